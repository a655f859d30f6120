//! What the monitor costs where there is much to watch.

use std::time::{Duration, Instant};

use common::commit_metadata::{CommitMetadata, now_ms};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset, TopicPartitionList};

use crate::Error;
use crate::broker::Broker;
use crate::contest::median;
use crate::progress;
use crate::service::{Binaries, Service};

/// Groups that are watched, each with a topic of its own.
pub(crate) const GROUPS: u32 = 50;

/// Partitions of each topic.
pub(crate) const PARTITIONS: i32 = 20;

/// Records in each partition, and of them those that are committed.
const RECORDS: i64 = 5;
const COMMITTED: i64 = 2;

/// How long the broker may take to have all records.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// How often memory and metrics are looked at.
const TICK: Duration = Duration::from_millis(200);

/// What it costs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scale {
    /// A round of reading, the mean.
    pub(crate) round: Duration,
    /// What no round exceeded, as far as the histogram's buckets tell.
    pub(crate) within: Duration,
    /// The most resident memory, in bytes.
    pub(crate) resident: u64,
    /// A look at `/metrics`, the median.
    pub(crate) scrape: Duration,
    /// How much that is, in bytes.
    pub(crate) scrape_bytes: usize,
}

/// Lets a monitor watch for some `time`.
///
/// # Errors
/// Where something fails.
pub(crate) async fn measure(binaries: &Binaries, broker: &Broker, time: Duration) -> Result<Scale, Error> {
    let mut watched = Vec::new();
    for _ in 0..GROUPS {
        watched.push((broker.group(), broker.topic_of(PARTITIONS).await?));
    }
    let doing = || "filling the topics that the monitor watches";
    fill(broker, &watched).map_err(Error::kafka(doing()))?;
    for (group, topic) in &watched {
        commit(broker, group, topic).map_err(Error::kafka(doing()))?;
    }
    let groups: Vec<_> = watched.iter().map(|(group, topic)| format!("{group}:{topic}")).collect();
    let settings = [
        ("KAFKA_BOOTSTRAP_SERVERS", broker.servers().to_owned()),
        ("GROUPS", groups.join(",")),
        ("INTERVAL", "1s".to_owned()),
    ];
    let monitor = Service::start(&binaries.monitor, &settings).await?;
    let scale = watch(&monitor, time).await?;
    monitor.stop().await?;
    for (_, topic) in &watched {
        broker.delete(topic).await?;
    }
    progress(&format!(
        "monitor, {} partitions: a round takes {} ms, a scrape {:.1} ms; {} KiB resident",
        GROUPS * PARTITIONS.unsigned_abs(),
        scale.round.as_millis(),
        scale.scrape.as_secs_f64() * 1000.0,
        scale.resident / 1024,
    ));
    Ok(scale)
}

async fn watch(monitor: &Service, time: Duration) -> Result<Scale, Error> {
    monitor.ready().await?;
    let begun = Instant::now();
    let mut scale = Scale::default();
    let mut scrapes = Vec::new();
    while begun.elapsed() < time {
        let asked = Instant::now();
        let text = monitor.metrics().await?;
        scrapes.push(asked.elapsed().as_secs_f64());
        scale.scrape_bytes = text.len();
        scale.resident = scale.resident.max(monitor.resident()?.now);
        tokio::time::sleep(TICK).await;
    }
    let text = monitor.metrics().await?;
    let known =
        text.lines().filter(|line| line.starts_with("kafka_consumergroup_lag{") && line.ends_with(" 3")).count();
    let partitions = (GROUPS * PARTITIONS.unsigned_abs()) as usize;
    if known != partitions {
        let remedy = "the monitor must know each partition's lag";
        return Err(Error::Missing { what: format!("{} of {partitions} lags", partitions - known), remedy });
    }
    let (sum, count): (f64, u64) =
        (monitor.counter("monitor_round_seconds_sum").await?, monitor.counter("monitor_round_seconds_count").await?);
    #[allow(clippy::cast_precision_loss, reason = "some dozens")]
    let mean = sum / count as f64;
    scale.round = Duration::from_secs_f64(mean);
    scale.within = slowest(&text, count).unwrap_or(Duration::MAX);
    scale.scrape = Duration::from_secs_f64(median(scrapes.into_iter()).unwrap_or_default());
    Ok(scale)
}

/// The lowest bound of the histogram below which all rounds were.
fn slowest(metrics: &str, count: u64) -> Option<Duration> {
    metrics.lines().find_map(|line| {
        let (bound, rounds) = line.strip_prefix("monitor_round_seconds_bucket{le=\"")?.split_once("\"} ")?;
        (rounds.parse::<u64>().ok()? >= count).then(|| Duration::try_from_secs_f64(bound.parse().ok()?).ok())?
    })
}

fn fill(broker: &Broker, watched: &[(String, String)]) -> KafkaResult<()> {
    let producer: BaseProducer = broker.client().create()?;
    for (_, topic) in watched {
        for partition in 0..PARTITIONS {
            for _ in 0..RECORDS {
                let record = BaseRecord::<str, str>::to(topic).partition(partition).payload("AAPL: $189.45");
                producer.send(record).map_err(|(error, _)| error)?;
            }
        }
        producer.poll(Duration::ZERO);
    }
    producer.flush(FLUSH_TIMEOUT)
}

/// Commits as a member of ours would.
fn commit(broker: &Broker, group: &str, topic: &str) -> KafkaResult<()> {
    let consumer: BaseConsumer = broker.client().set("group.id", group).create()?;
    let mut offsets = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        let member = format!("consumer-{}", partition % 4);
        let metadata = CommitMetadata { member, done_ms: Some(now_ms()), at_ms: now_ms(), pause_ms: Some(250) };
        let mut element = offsets.add_partition(topic, partition);
        element.set_offset(Offset::Offset(COMMITTED))?;
        element.set_metadata(metadata.encode());
    }
    consumer.commit(&offsets, CommitMode::Sync)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_round_is_within_the_first_bucket_that_has_all() {
        let metrics = "monitor_round_seconds_bucket{le=\"0.05\"} 3\nmonitor_round_seconds_bucket{le=\"0.1\"} 7\n\
            monitor_round_seconds_bucket{le=\"0.25\"} 7\nmonitor_round_seconds_bucket{le=\"+Inf\"} 7\n";
        assert_eq!(slowest(metrics, 7), Some(Duration::from_millis(100)));
        assert_eq!(slowest(metrics, 8), None);
    }
}
