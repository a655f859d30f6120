//! What KEDA's Kafka scaler publishes as its metric, with its defaults but for the threshold.
//!
//! Source: `getTotalLag` in pkg/scalers/kafka_scaler.go and <https://keda.sh/docs/latest/scalers/apache-kafka/>: the sum
//! of all partitions' lags, where a partition with no answer counts as 0, cut to threshold x partitions when
//! lag / threshold, in whole numbers, is more than the partitions. Its HPA gets `AverageValue: lagThreshold`.

/// `lagThreshold` where none is set.
pub(crate) const DEFAULT_THRESHOLD: u64 = 10;

/// The metric for the HPA, in records.
pub(crate) fn metric(lags: &[Option<u64>], threshold: u64) -> u64 {
    let total: u64 = lags.iter().map(|lag| lag.unwrap_or(0)).sum();
    let partitions = lags.len() as u64;
    if total / threshold > partitions { partitions * threshold } else { total }
}
