//! What our programs are told.

use crate::broker::Broker;
use crate::record::Format;

/// So many stocks: enough keys to load 12 partitions evenly.
const SYMBOLS: &str = "500";

/// How our consumer's client fetches, with the default `FETCH_BUFFER` and `FETCH_WAIT`; the C program is told the same.
pub(crate) const FETCH: [(&str, u64); 5] = [
    ("fetch.queue.backoff.ms", 5),
    ("fetch.wait.max.ms", 50),
    ("queued.min.messages", QUEUED_RECORDS),
    ("queued.max.messages.kbytes", 32 * 1024),
    ("max.partition.fetch.bytes", PARTITION_FETCH_BYTES),
];

/// So many records waiting are enough: then the client fetches no more.
pub(crate) const QUEUED_RECORDS: u64 = 32_768;

/// What one fetch brings of each partition, at most, compressed.
pub(crate) const PARTITION_FETCH_BYTES: u64 = 131_072;

/// A producer, besides how much it sends. It stays, so that it can be looked at after its run.
pub(crate) fn producer(broker: &Broker, topic: &str, format: Format) -> Vec<(&'static str, String)> {
    vec![
        ("KAFKA_BOOTSTRAP_SERVERS", broker.servers().to_owned()),
        ("TOPIC", topic.to_owned()),
        ("SYMBOLS", SYMBOLS.to_owned()),
        ("RECORD_BYTES", format.record_bytes().to_string()),
        ("STAY", "true".to_owned()),
    ]
}

/// A consumer in a group of its own; all else is as it comes.
pub(crate) fn consumer(broker: &Broker, topic: &str) -> Vec<(&'static str, String)> {
    vec![
        ("KAFKA_BOOTSTRAP_SERVERS", broker.servers().to_owned()),
        ("TOPIC", topic.to_owned()),
        ("GROUP", broker.group()),
    ]
}
