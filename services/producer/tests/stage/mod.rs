//! Where the tests play: a broker, a topic of their own, a producer in this process, and what it left behind.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use common::config::load;
use common::quote::{Quote, SEQUENCE_HEADER};
use producer::{App, ProducerError};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};
use reqwest::{Method, StatusCode};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What takes longer than this will not happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker and a topic.
pub struct Stage {
    pub mock: Option<MockCluster<'static, DefaultProducerContext>>,
    pub bootstrap: String,
    pub topic: String,
}

/// A record as it was read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub key: String,
    pub value: String,
    pub sequence: u64,
    pub timestamp_ms: i64,
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Stage {
    /// A topic on the real broker that `KAFKA_BOOTSTRAP_SERVERS` names, else on an embedded one.
    pub async fn new(partitions: i32) -> Self {
        let stage = Self::without_topic();
        stage.create_topic(partitions).await;
        stage
    }

    /// The same without the topic.
    pub fn without_topic() -> Self {
        match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
            Ok(bootstrap) => Self { mock: None, bootstrap, topic: unique_topic() },
            Err(_) => Self::embedded(),
        }
    }

    /// An embedded broker, whose faults can be chosen; without a topic.
    pub fn embedded() -> Self {
        let mock = MockCluster::new(1).unwrap();
        Self { bootstrap: mock.bootstrap_servers(), mock: Some(mock), topic: unique_topic() }
    }

    /// An embedded broker with a topic of three partitions.
    pub async fn embedded_topic() -> Self {
        let stage = Self::embedded();
        stage.create_topic(3).await;
        stage
    }

    pub fn mock(&self) -> &MockCluster<'static, DefaultProducerContext> {
        self.mock.as_ref().unwrap()
    }

    pub async fn create_topic(&self, partitions: i32) {
        if let Some(mock) = &self.mock {
            return mock.create_topic(&self.topic, partitions, 1).unwrap();
        }
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let topic = NewTopic::new(&self.topic, partitions, TopicReplication::Fixed(1));
        for result in admin.create_topics([&topic], &AdminOptions::new()).await.unwrap() {
            result.unwrap();
        }
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.bootstrap).set("allow.auto.create.topics", "false");
        client
    }

    /// The variables of a producer on this stage: as fast as it can, unless told otherwise.
    pub fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut variables = vec![
            ("KAFKA_BOOTSTRAP_SERVERS".to_owned(), self.bootstrap.clone()),
            ("TOPIC".to_owned(), self.topic.clone()),
            ("HTTP_ADDR".to_owned(), "127.0.0.1:0".to_owned()),
            ("RATE".to_owned(), "0".to_owned()),
        ];
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        variables
    }

    /// Starts a producer in this process.
    pub async fn start(&self, variables: &[(&str, &str)]) -> Running {
        let app = App::bind(load(self.variables(variables)).unwrap()).await.unwrap();
        let (address, shutdown) = (app.address(), CancellationToken::new());
        Running { address, shutdown: shutdown.clone(), task: tokio::spawn(app.run(shutdown)) }
    }

    /// Runs a producer to its end.
    pub async fn run(&self, variables: &[(&str, &str)]) -> Result<(), ProducerError> {
        self.start(variables).await.end().await
    }

    /// All records of the topic: by partition, in order.
    pub fn records(&self) -> Vec<Record> {
        let mut client = self.client();
        client.set("group.id", "none").set("enable.auto.commit", "false").set("fetch.wait.max.ms", "10");
        let consumer: BaseConsumer = client.create().unwrap();
        let metadata = consumer.fetch_metadata(Some(&self.topic), PATIENCE).unwrap();
        let partitions: Vec<i32> = metadata.topics()[0].partitions().iter().map(|partition| partition.id()).collect();
        let (mut list, mut missing) = (TopicPartitionList::new(), 0);
        for partition in partitions {
            let (low, high) = consumer.fetch_watermarks(&self.topic, partition, PATIENCE).unwrap();
            missing += high - low;
            list.add_partition_offset(&self.topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let (mut records, start) = (Vec::new(), Instant::now());
        while missing > 0 {
            assert!(start.elapsed() < PATIENCE, "{missing} records cannot be read");
            let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
            let message = message.unwrap();
            let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
            let headers: Vec<(String, Vec<u8>)> = message.headers().map_or_else(Vec::new, |headers| {
                headers.iter().map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect()
            });
            let sequence = headers.iter().find(|(key, _)| key == SEQUENCE_HEADER).unwrap();
            records.push(Record {
                partition: message.partition(),
                key: text(message.key()),
                value: text(message.payload()),
                sequence: text(Some(&sequence.1)).parse().unwrap(),
                timestamp_ms: message.timestamp().to_millis().unwrap(),
                headers,
            });
            missing -= 1;
        }
        records.sort_by_key(|record| record.partition);
        records
    }
}

/// Panics unless the records are whole: each a quote, each symbol's numbered from 1 without gap or repetition, in order.
pub fn assert_whole(records: &[Record]) {
    let mut last = std::collections::BTreeMap::new();
    for record in records {
        let quote = Quote::parse(Some(record.key.as_bytes()), Some(record.value.as_bytes()));
        assert!(quote.is_ok(), "{record:?}");
        let last = last.entry(&record.key).or_insert(0);
        assert_eq!(record.sequence, *last + 1, "{record:?}");
        *last += 1;
    }
}

/// Waits until the condition holds.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < PATIENCE, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn unique_topic() -> String {
    static TOPICS: AtomicUsize = AtomicUsize::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
    format!("producer-test-{now}-{}-{}", std::process::id(), TOPICS.fetch_add(1, Ordering::Relaxed))
}

/// A producer in this process.
pub struct Running {
    pub address: SocketAddr,
    pub shutdown: CancellationToken,
    task: JoinHandle<Result<(), ProducerError>>,
}

impl Running {
    /// Waits for its end.
    pub async fn end(self) -> Result<(), ProducerError> {
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").unwrap()
    }

    /// Tells it to stop, and waits for its end.
    pub async fn stop(self) -> Result<(), ProducerError> {
        self.shutdown.cancel();
        self.end().await
    }

    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        request(self.address, Method::GET, path, "").await
    }

    pub async fn put_load(&self, body: &str) -> (StatusCode, String) {
        request(self.address, Method::PUT, "/load", body).await
    }

    pub async fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.get(path).await.1).unwrap()
    }

    /// A number of `GET /load`.
    pub async fn count(&self, name: &str) -> u64 {
        self.json("/load").await[name].as_u64().unwrap()
    }

    pub async fn is_running(&self) -> bool {
        self.json("/load").await["running"].as_bool().unwrap()
    }

    /// A metric without labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics").await.1;
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
        line.parse().unwrap()
    }
}

/// A request, answered or not within a second.
pub async fn request(address: SocketAddr, method: Method, path: &str, body: &str) -> (StatusCode, String) {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(1)).build().unwrap();
    let request = client.request(method, format!("http://{address}{path}")).body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}
