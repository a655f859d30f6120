//! What the producer tells Prometheus.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// The upper bounds of the time an acknowledgement takes, in seconds.
const ACKNOWLEDGE_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The producer's own metrics. Its counters are the one place where updates are counted.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    sent: IntCounter,
    acknowledged: IntCounter,
    failed: IntCounter,
    queue_full: IntCounter,
    acknowledge: Histogram,
    rate_target: IntGauge,
    running: IntGauge,
}

impl Metrics {
    /// Registers every metric.
    ///
    /// # Errors
    /// If one of the names is taken.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| -> Result<IntCounter, prometheus::Error> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> Result<IntGauge, prometheus::Error> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let acknowledge = Histogram::with_opts(
            HistogramOpts::new(
                "producer_acknowledge_seconds",
                "Time from sending an update to its acknowledgement, of the first update sent at each turn",
            )
            .buckets(ACKNOWLEDGE_BUCKETS.to_vec()),
        )?;
        registry.register(Box::new(acknowledge.clone()))?;
        Ok(Self {
            sent: counter("producer_updates_sent_total", "Updates handed to the Kafka client")?,
            acknowledged: counter("producer_updates_acknowledged_total", "Updates that Kafka has for certain")?,
            failed: counter("producer_updates_failed_total", "Updates that Kafka refused for good")?,
            queue_full: counter(
                "producer_queue_full_total",
                "Updates that had to wait because the Kafka client's queue was full",
            )?,
            acknowledge,
            rate_target: gauge("producer_rate_target", "Updates per second to be sent, 0 for as fast as it can")?,
            running: gauge("producer_running", "1 while a run is under way, else 0")?,
        })
    }

    pub(crate) fn update_sent(&self) {
        self.sent.inc();
    }

    pub(crate) fn update_acknowledged(&self) {
        self.acknowledged.inc();
    }

    pub(crate) fn update_failed(&self) {
        self.failed.inc();
    }

    pub(crate) fn update_had_to_wait(&self) {
        self.queue_full.inc();
    }

    pub(crate) fn acknowledged_after(&self, time: Duration) {
        self.acknowledge.observe(time.as_secs_f64());
    }

    pub(crate) fn load_is(&self, rate: u32, running: bool) {
        self.rate_target.set(rate.into());
        self.running.set(running.into());
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.get()
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_there_before_the_first_update() {
        let registry = Registry::new();
        Metrics::register(&registry).unwrap();
        let families = registry.gather();
        let names: Vec<_> = families.iter().map(|family| family.name()).collect();
        assert_eq!(
            names,
            [
                "producer_acknowledge_seconds",
                "producer_queue_full_total",
                "producer_rate_target",
                "producer_running",
                "producer_updates_acknowledged_total",
                "producer_updates_failed_total",
                "producer_updates_sent_total",
            ]
        );
    }
}
