//! Where each symbol goes, as Prometheus sees it: counted in the ledger already, so made when it is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use common::family::counters;
use prometheus::Registry;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use crate::ledger::Ledger;

/// The ledger's routes as a counter per symbol and partition.
#[derive(Debug)]
struct RoutingMetric {
    desc: Desc,
    ledger: Arc<Ledger>,
}

/// Its name, what it is, and its labels.
const NAME: &str = "producer_symbol_updates_total";
const HELP: &str = "Updates of a symbol that a partition has for certain";
const LABELS: [&str; 2] = ["symbol", "partition"];

/// Registers the counter of each symbol's updates per partition.
///
/// # Errors
/// If its name is taken.
pub(crate) fn register(registry: &Registry, ledger: Arc<Ledger>) -> Result<(), prometheus::Error> {
    let desc = Desc::new(NAME.to_owned(), HELP.to_owned(), LABELS.map(str::to_owned).to_vec(), HashMap::new())?;
    registry.register(Box::new(RoutingMetric { desc, ledger }))
}

impl Collector for RoutingMetric {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let series = self
            .ledger
            .routes()
            .into_iter()
            .map(|route| ([route.symbol.as_str().to_owned(), route.partition.to_string()], route.updates as f64));
        let family = counters((NAME, HELP), LABELS, series);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use common::http::probes;
    use testing::assert_scrape_is_cheap;

    use super::*;
    use crate::ledger::tests::ledger;
    use crate::metrics::Metrics;

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

    #[tokio::test]
    async fn five_hundred_symbols_are_scraped_for_little() {
        let ledger = Arc::new(ledger(500));
        let registry = Registry::new();
        Metrics::register(&registry).unwrap();
        register(&registry, Arc::clone(&ledger)).unwrap();
        for stock in 0..500 {
            (0..=stock * 7 % 100).for_each(|_| ledger.acknowledged(stock, i32::try_from(stock % 12).unwrap()));
        }
        let page = assert_scrape_is_cheap(probes(Arc::new(|| Ok(())), registry, Vec::new())).await;
        let is_symbol = |line: &&str| line.starts_with("producer_symbol_updates_total{");
        assert_eq!(page.lines().filter(is_symbol).count(), 500);
    }
}
