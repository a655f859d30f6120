//! The embedded broker and the audit, against each other.

#![allow(clippy::unwrap_used, reason = "what helps a test may fail like one")]

use std::collections::BTreeMap;
use std::time::Duration;

use audit::{Extent, Kill, Topics, audit, end_of};
use common::kafka::KafkaConfig;
use demo::embedded::EmbeddedKafka;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

const TIMEOUT: Duration = Duration::from_secs(10);

struct Broker {
    embedded: EmbeddedKafka,
    kafka: KafkaConfig,
    producer: BaseProducer,
}

impl Broker {
    fn with_topics(topics: &[&str]) -> Self {
        let embedded = EmbeddedKafka::start().unwrap();
        topics.iter().for_each(|topic| embedded.create_topic(topic, 3).unwrap());
        let kafka = KafkaConfig::plaintext(embedded.bootstrap_servers());
        let producer = kafka.client("test").create().unwrap();
        Self { embedded, kafka, producer }
    }

    fn send(&self, topic: &str, partition: i32, sequence: u64, source: &[(&str, &str)]) {
        let sequence = sequence.to_string();
        let mut headers = OwnedHeaders::new().insert(Header { key: "seq", value: Some(&sequence) });
        for &(key, value) in source {
            headers = headers.insert(Header { key, value: Some(value) });
        }
        let record = BaseRecord::to(topic).partition(partition).key("AAPL").payload("AAPL: $189.45").headers(headers);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.flush(TIMEOUT).unwrap();
    }

    fn topics(&self) -> Topics {
        let dead_letters = Some(Extent::whole("dead"));
        Topics { source: Extent::whole("source"), output: Extent::whole("output"), dead_letters }
    }
}

#[test]
fn the_audit_finds_in_the_topics_what_was_done_to_the_records() {
    let broker = Broker::with_topics(&["source", "output", "dead"]);
    (1..=6).for_each(|sequence| broker.send("source", 1, sequence, &[]));
    // Offset 0 is in order, 2 overtakes 1, 0 is repeated after a kill, 3 is a dead letter, 4 and 5 are missing.
    for (offset, member) in [(0, "a"), (2, "a"), (1, "a"), (0, "b")] {
        let source = [("source-partition", "1"), ("source-offset", &offset.to_string()), ("member", member)];
        broker.send("output", 2, offset + 1, &source);
    }
    broker.send("dead", 0, 4, &[("dead-letter-partition", "1"), ("dead-letter-offset", "3")]);
    let kill = Kill { member: "a".into(), committed: BTreeMap::from([(1, 0)]) };

    let audit = audit(&broker.kafka, &broker.topics(), vec![kill]).unwrap();

    assert_eq!((audit.sent, audit.processed, audit.dead_letters, audit.lost), (6, 3, 1, 2), "{audit:?}");
    assert_eq!((audit.twice, audit.twice_explained), (1, 1));
    assert_eq!((audit.order_violations, audit.strangers), (1, 0));
}

#[test]
fn the_audit_begins_where_it_is_told_to() {
    let broker = Broker::with_topics(&["source", "output", "dead"]);
    broker.send("source", 0, 1, &[]);
    let from = end_of(&broker.kafka, "source").unwrap();
    assert_eq!(from, BTreeMap::from([(0, 1), (1, 0), (2, 0)]));
    broker.send("source", 0, 2, &[]);
    broker.send("output", 0, 2, &[("source-partition", "0"), ("source-offset", "1"), ("member", "a")]);

    let topics = Topics { source: Extent::from("source", from), ..broker.topics() };

    let audit = audit(&broker.kafka, &topics, vec![]).unwrap();
    assert!(audit.holds() && (audit.sent, audit.processed) == (1, 1), "{audit:?}");
}

#[test]
fn a_topic_that_is_missing_is_named() {
    let broker = Broker::with_topics(&["output", "dead"]);
    let error = audit(&broker.kafka, &broker.topics(), vec![]).unwrap_err().to_string();
    assert!(error.starts_with("Kafka: asking for the partitions of topic source: "), "{error}");
}

#[test]
fn a_broker_that_was_down_still_has_what_was_written() {
    let broker = Broker::with_topics(&["source", "output", "dead"]);
    broker.send("source", 0, 1, &[]);
    broker.embedded.broker_down().unwrap();
    let reader: BaseProducer = broker.kafka.client("reader").create().unwrap();
    let patience = Duration::from_secs(1);
    assert!(reader.client().fetch_watermarks("source", 0, patience).is_err());
    broker.embedded.broker_up().unwrap();
    assert_eq!(reader.client().fetch_watermarks("source", 0, TIMEOUT).unwrap(), (0, 1));
}

#[test]
fn a_dropped_broker_is_gone() {
    let embedded = EmbeddedKafka::start().unwrap();
    let address = embedded.bootstrap_servers().to_owned();
    assert!(std::net::TcpStream::connect(&address).is_ok());
    drop(embedded);
    assert!(std::net::TcpStream::connect(&address).is_err());
}
