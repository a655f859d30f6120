//! Where each symbol goes, as Prometheus sees it: counted in the ledger already, so made when it is asked for.

use std::sync::Arc;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, Opts, Registry};

use crate::ledger::Ledger;

/// The ledger's routes as a counter per symbol and partition.
#[derive(Debug)]
struct RoutingMetric {
    desc: Desc,
    ledger: Arc<Ledger>,
}

/// Registers the counter of each symbol's updates per partition.
///
/// # Errors
/// If its name is taken.
pub(crate) fn register(registry: &Registry, ledger: Arc<Ledger>) -> Result<(), prometheus::Error> {
    let desc = counter()?.desc().into_iter().next().cloned();
    let desc = desc.ok_or_else(|| prometheus::Error::Msg("a counter describes itself".to_owned()))?;
    registry.register(Box::new(RoutingMetric { desc, ledger }))
}

fn counter() -> Result<IntCounterVec, prometheus::Error> {
    let opts = Opts::new("producer_symbol_updates_total", "Updates of a symbol that a partition has for certain");
    IntCounterVec::new(opts, &["symbol", "partition"])
}

impl Collector for RoutingMetric {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        // Its name and labels are constants that were registered: this cannot fail.
        let Ok(counter) = counter() else { return Vec::new() };
        for route in self.ledger.routes() {
            let partition = route.partition.to_string();
            counter.with_label_values(&[route.symbol.as_str(), &partition]).inc_by(route.updates);
        }
        counter.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::ledger;

    #[test]
    fn each_symbol_is_counted_in_the_partition_that_has_its_updates() {
        let ledger = Arc::new(ledger(2));
        let registry = Registry::new();
        register(&registry, Arc::clone(&ledger)).unwrap();
        for (stock, partition) in [(0, 1), (0, 1), (1, 0)] {
            ledger.acknowledged(stock, partition);
        }
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            series,
            [
                r#"producer_symbol_updates_total{partition="0",symbol="GOOGL"} 1"#,
                r#"producer_symbol_updates_total{partition="1",symbol="AAPL"} 2"#,
            ]
        );
    }
}
