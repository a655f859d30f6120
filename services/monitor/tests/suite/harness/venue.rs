//! The Kafka a test runs on, with names of its own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::kafka::KafkaConfig;
use demo::embedded::{EmbeddedKafka, GroupTimes};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use testing::{eventually, not_run};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Some Kafka, and names that no other test has.
pub(crate) struct Venue {
    pub(crate) bootstrap_servers: String,
    prefix: String,
    embedded: Option<EmbeddedKafka>,
}

impl Venue {
    /// In the Kafka that `KAFKA_BOOTSTRAP_SERVERS` names, or else in an embedded one.
    pub(crate) fn open(name: &str) -> Self {
        match given() {
            Some(servers) => Self::at(&servers, name),
            None => Self::embedded(name),
        }
    }

    /// In an embedded Kafka.
    pub(crate) fn embedded(name: &str) -> Self {
        let times = GroupTimes { session: Duration::from_secs(2), heartbeat: Duration::from_millis(100) };
        let kafka = EmbeddedKafka::with_group_times(times).unwrap();
        Self { bootstrap_servers: kafka.bootstrap_servers().to_owned(), prefix: prefix(name), embedded: Some(kafka) }
    }

    /// In the real Kafka that `KAFKA_BOOTSTRAP_SERVERS` names, for what only a real one can do.
    pub(crate) fn real(name: &str) -> Option<Self> {
        let servers = given();
        if servers.is_none() {
            not_run(name, "a real Kafka in KAFKA_BOOTSTRAP_SERVERS");
        }
        servers.map(|servers| Self::at(&servers, name))
    }

    /// In a Kafka whose address is known.
    pub(crate) fn at(bootstrap_servers: &str, name: &str) -> Self {
        Self { bootstrap_servers: bootstrap_servers.to_owned(), prefix: prefix(name), embedded: None }
    }

    pub(crate) fn embedded_kafka(&self) -> Option<&EmbeddedKafka> {
        self.embedded.as_ref()
    }

    /// A name for a topic or a group that no other test has.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.prefix)
    }

    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = KafkaConfig::plaintext(&self.bootstrap_servers).client("test");
        client.set("statistics.interval.ms", "0");
        client
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }

    /// Creates a topic and says its whole name.
    pub(crate) async fn create_topic(&self, what: &str, partitions: i32) -> String {
        let topic = self.name(what);
        match &self.embedded {
            Some(kafka) => kafka.create_topic(&topic, partitions).unwrap(),
            None => {
                let new = NewTopic::new(&topic, partitions, TopicReplication::Fixed(1));
                // Where it has just been deleted, its name is not free at once.
                eventually("the topic to be created", async || {
                    let results = self.admin().create_topics([&new], &options()).await.unwrap();
                    results.into_iter().next()?.ok()
                })
                .await;
            }
        }
        topic
    }

    pub(crate) async fn delete_topic(&self, topic: &str) {
        for result in self.admin().delete_topics(&[topic], &options()).await.unwrap() {
            result.unwrap();
        }
    }

    pub(crate) async fn add_partitions(&self, topic: &str, partitions: usize) {
        let more = NewPartitions::new(topic, partitions);
        for result in self.admin().create_partitions([&more], &options()).await.unwrap() {
            result.unwrap();
        }
    }

    /// Deletes the records of a topic's first partition that lie before an offset.
    pub(crate) async fn delete_records(&self, topic: &str, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Offset(before)).unwrap();
        self.admin().delete_records(&list, &options()).await.unwrap();
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT))
}

fn given() -> Option<String> {
    std::env::var("KAFKA_BOOTSTRAP_SERVERS").ok().filter(|servers| !servers.is_empty())
}

fn prefix(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
