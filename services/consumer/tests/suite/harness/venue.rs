//! The Kafka a test runs on, with topics and a group of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use audit::{Audit, Extent, Kill, Topics, audit};
use common::commit_metadata::CommitMetadata;
use common::kafka::KafkaConfig;
use demo::embedded::{EmbeddedKafka, GroupTimes};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use testing::eventually;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Topics and a group in some Kafka.
pub(crate) struct Venue {
    pub(crate) bootstrap_servers: String,
    pub(crate) topic: String,
    pub(crate) output: String,
    pub(crate) dead_letters: String,
    pub(crate) group: String,
    pub(crate) partitions: i32,
    embedded: Option<EmbeddedKafka>,
}

impl Venue {
    /// In the Kafka that `KAFKA_BOOTSTRAP_SERVERS` names, or else in an embedded one.
    pub(crate) async fn open(name: &str, partitions: i32) -> Self {
        match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
            Ok(servers) if !servers.is_empty() => Self::real(&servers, name, partitions).await,
            _ => Self::embedded(name, partitions),
        }
    }

    /// In an embedded Kafka.
    pub(crate) fn embedded(name: &str, partitions: i32) -> Self {
        let times = GroupTimes { session: Duration::from_secs(3), heartbeat: Duration::from_millis(200) };
        let kafka = EmbeddedKafka::with_group_times(times).unwrap();
        let venue = Self::named(kafka.bootstrap_servers().to_owned(), name, partitions);
        for (topic, partitions) in [(&venue.topic, partitions), (&venue.output, partitions), (&venue.dead_letters, 1)] {
            kafka.create_topic(topic, partitions).unwrap();
        }
        Self { embedded: Some(kafka), ..venue }
    }

    /// In a real one.
    pub(crate) async fn real(bootstrap_servers: &str, name: &str, partitions: i32) -> Self {
        let venue = Self::named(bootstrap_servers.to_owned(), name, partitions);
        venue.create_topics().await;
        venue
    }

    /// Creates the venue's topics.
    pub(crate) async fn create_topics(&self) {
        let partitions = self.partitions;
        for (topic, partitions) in [(&self.topic, partitions), (&self.output, partitions), (&self.dead_letters, 1)] {
            self.create_topic(topic, partitions).await;
        }
    }

    fn named(bootstrap_servers: String, name: &str, partitions: i32) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self {
            bootstrap_servers,
            topic: format!("{id}-stocks"),
            output: format!("{id}-output"),
            dead_letters: format!("{id}-dead-letters"),
            group: format!("{id}-readers"),
            partitions,
            embedded: None,
        }
    }

    pub(crate) fn embedded_kafka(&self) -> Option<&EmbeddedKafka> {
        self.embedded.as_ref()
    }

    pub(crate) fn client(&self) -> ClientConfig {
        KafkaConfig::plaintext(&self.bootstrap_servers).client("test")
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().set("statistics.interval.ms", "0").create().unwrap()
    }

    pub(crate) async fn create_topic(&self, topic: &str, partitions: i32) {
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
        let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for result in self.admin().create_topics([&new], &options).await.unwrap() {
            result.unwrap();
        }
    }

    pub(crate) async fn delete_topic(&self, topic: &str) {
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
        for result in self.admin().delete_topics(&[topic], &options).await.unwrap() {
            result.unwrap();
        }
    }

    pub(crate) async fn add_partitions(&self, partitions: i32) {
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
        let more = NewPartitions::new(&self.topic, usize::try_from(partitions).unwrap());
        for result in self.admin().create_partitions([&more], &options).await.unwrap() {
            result.unwrap();
        }
    }

    /// A consumer that asks about the group and does not join it.
    fn reader(&self) -> BaseConsumer {
        self.client().set("statistics.interval.ms", "0").set("group.id", &self.group).create().unwrap()
    }

    fn all_partitions(&self) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.topic, 0, self.partitions - 1);
        list
    }

    /// What the group has committed: offset and metadata by partition.
    pub(crate) async fn committed(&self) -> Vec<(i32, i64, Option<CommitMetadata>)> {
        // A broker that has only just started may not know yet who coordinates the group.
        let committed = eventually("the group's offsets", async || {
            let (reader, list) = (self.reader(), self.all_partitions());
            tokio::task::spawn_blocking(move || reader.committed_offsets(list, TIMEOUT).ok()).await.unwrap()
        })
        .await;
        let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
        let elements = committed.elements();
        elements
            .iter()
            .filter_map(|element| {
                Some((element.partition(), offset(element.offset())?, CommitMetadata::decode(element.metadata())))
            })
            .collect()
    }

    /// The end offset of each partition.
    pub(crate) async fn ends(&self) -> Vec<(i32, i64)> {
        // A broker that was counted out for a moment leads no partition yet.
        eventually("the partitions' ends", async || {
            let (reader, topic, partitions) = (self.reader(), self.topic.clone(), self.partitions);
            tokio::task::spawn_blocking(move || {
                (0..partitions).map(|id| Some((id, reader.fetch_watermarks(&topic, id, TIMEOUT).ok()?.1))).collect()
            })
            .await
            .unwrap()
        })
        .await
    }

    /// Waits until the group has committed all there is.
    pub(crate) async fn drained(&self) {
        let ends = self.ends().await;
        eventually(&format!("group {} to commit up to {ends:?}", self.group), async || {
            let committed = self.committed().await;
            let done =
                |(id, end): &(i32, i64)| *end == 0 || committed.iter().any(|(at, offset, _)| at == id && offset >= end);
            ends.iter().all(done).then_some(())
        })
        .await;
    }

    /// What became of every update, from the topics alone.
    pub(crate) async fn audit(&self, kills: Vec<Kill>) -> Audit {
        let topics = Topics {
            source: Extent::whole(&self.topic),
            output: Extent::whole(&self.output),
            dead_letters: Some(Extent::whole(&self.dead_letters)),
        };
        let kafka = KafkaConfig::plaintext(&self.bootstrap_servers);
        tokio::task::spawn_blocking(move || audit(&kafka, &topics, kills).unwrap()).await.unwrap()
    }

    /// Asserts that every one of so many updates was processed, and in order; some twice, perhaps.
    pub(crate) async fn nothing_lost(&self, sent: u64, kills: Vec<Kill>) -> Audit {
        let audit = self.audit(kills).await;
        assert_eq!((audit.sent, audit.lost, audit.order_violations), (sent, 0, 0), "{audit:?}");
        audit
    }

    /// Asserts that every one of so many updates was processed, in order, and none twice.
    pub(crate) async fn assert_perfect(&self, sent: u64) {
        let audit = self.audit(Vec::new()).await;
        assert_eq!(
            (audit.sent, audit.lost, audit.twice, audit.order_violations, audit.strangers),
            (sent, 0, 0, 0, 0),
            "{audit:?}"
        );
    }
}
