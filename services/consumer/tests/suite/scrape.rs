//! What Prometheus pays for a member that has much.

use std::sync::Arc;
use std::time::Duration;

use common::http::probes;
use consumer::metrics::Metrics;
use prometheus::Registry;
use testing::assert_scrape_is_cheap;

#[tokio::test]
async fn a_thousand_partitions_are_scraped_for_little() {
    let registry = Registry::new();
    let metrics = Metrics::register(&registry).unwrap();
    for partition in 0..1000 {
        metrics.partition_gained(partition);
        metrics.paused_by_rebalance(partition, Duration::from_micros(u64::try_from(partition).unwrap() * 317));
    }
    let page = assert_scrape_is_cheap(probes(Arc::new(|| Ok(())), registry, Vec::new())).await;
    for family in ["consumer_partition_owned{", "consumer_partition_pause_seconds{"] {
        assert_eq!(page.lines().filter(|line| line.starts_with(family)).count(), 1000, "{family}");
    }
}
