//! A client that may not send yet is made anew, and what it was given keeps its order.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::kafka::KafkaConfig;
use common::quote::Quote;
use consumer::dead_letters::DeadLetters;
use consumer::gate::Gate;
use consumer::handler::{Handler, HandlerError, Receipt};
use consumer::lane::{Lane, Workshop};
use consumer::metrics::Metrics;
use consumer::outbound::Outbound;
use consumer::record::{Record, Update};
use rdkafka::message::OwnedHeaders;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use testing::eventually;
use testing::processes::while_none_starts;
use tokio::sync::Semaphore;

fn outbound(bootstrap_servers: &str) -> Outbound {
    Outbound::new(&KafkaConfig::plaintext(bootstrap_servers), "member").unwrap()
}

/// A broker that is away, and refuses the first client that then asks whether it may send.
fn refusing() -> (MockCluster<'static, DefaultProducerContext>, Outbound) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("output", 1, 1).unwrap();
    while_none_starts(|| cluster.broker_down(1)).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::InitProducerId,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED],
    );
    let outbound = outbound(&cluster.bootstrap_servers());
    (cluster, outbound)
}

/// Waits until a client was made anew that may send, or may not, as far as is known.
async fn reviewed(outbound: &Outbound, may_send: bool) {
    eventually("the right to send to be known", async || {
        outbound.review();
        (outbound.readiness().is_ok() == may_send).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_may_not_send_is_ready_once_kafka_lets_it_and_not_because_nobody_answers() {
    let (cluster, outbound) = refusing();
    cluster.broker_up(1).unwrap();
    reviewed(&outbound, false).await;
    while_none_starts(|| cluster.broker_down(1)).unwrap();
    let begun = Instant::now();
    eventually("a client to grow old without a broker", async || {
        outbound.review();
        assert!(outbound.readiness().is_err(), "nothing shows that it may send");
        (begun.elapsed() > Duration::from_secs(3)).then_some(())
    })
    .await;
    cluster.broker_up(1).unwrap();
    reviewed(&outbound, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_may_not_be_written_to_is_named() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("output", 1, 1).unwrap();
    let outbound = outbound(&cluster.bootstrap_servers());
    let send = async || outbound.send("output", None, Some(b"1"), OwnedHeaders::new())?.await;
    send().await.unwrap();
    assert_eq!(outbound.readiness(), Ok(()));
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refusal]);
    assert!(send().await.is_err());
    let missing = outbound.readiness().unwrap_err();
    assert!(missing.contains("the right Write on topic output"), "{missing}");
    eventually("Kafka to take messages again", async || send().await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_made_anew_sends_nothing_before_it_is_seen_that_what_came_before_failed() {
    let (cluster, outbound) = refusing();
    let send = |value: &'static str| outbound.send("output", None, Some(value.as_bytes()), OwnedHeaders::new());
    let first = send("1").unwrap();
    cluster.broker_up(1).unwrap();
    reviewed(&outbound, false).await;
    assert!(send("2").is_err(), "it would overtake the first");
    assert!(first.await.is_err());
    for again in [send("1").unwrap(), send("2").unwrap()] {
        again.await.unwrap();
    }
}

/// Sends through a client that ends between the first update and the second.
struct Ending {
    ended: Arc<Semaphore>,
    sent: Mutex<Vec<i64>>,
}

impl Handler for Ending {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        let failed = |what: &str| HandlerError::Transient(format!("{what} failed"));
        if !self.ended.is_closed() {
            if update.offset == 0 {
                let ended = Arc::clone(&self.ended);
                return Ok(Receipt::Pending(Box::pin(async move {
                    ended.acquire().await.map(|_| ()).map_err(|_| failed("the delivery"))
                })));
            }
            self.ended.close();
            return Err(failed("sending"));
        }
        self.sent.lock().unwrap().push(update.offset);
        Ok(Receipt::Pending(Box::pin(std::future::ready(Ok(())))))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_tried_again_never_overtakes_one_whose_confirmation_failed() {
    // Nothing listens there, and nothing is sent there.
    let nowhere = Arc::new(outbound("127.0.0.1:1"));
    let name = || "none".to_owned();
    let workshop = Arc::new(Workshop {
        handler: Arc::new(Ending { ended: Arc::new(Semaphore::new(0)), sent: Mutex::default() }),
        dead_letters: DeadLetters::new(nowhere, name(), name(), name(), name()),
        metrics: Metrics::register(&prometheus::Registry::new()).unwrap(),
        topic: name(),
        group: name(),
        member: name(),
    });
    let update = |offset| {
        let quote = Quote::parse(Some(b"AAPL"), Some(b"AAPL: $1.00")).unwrap();
        Record::Update(Update { quote, sequence: None, partition: 0, offset, timestamp_ms: 0, bytes: 0, trace: None })
    };
    let (queue, records) = tokio::sync::mpsc::unbounded_channel();
    queue.send((0..4).map(update).collect()).unwrap();
    drop(queue);
    Lane::new(0, Arc::new(Gate::new(1)), Arc::clone(&workshop), records).run().await;
    assert_eq!(*workshop.handler.sent.lock().unwrap(), [0, 1, 2, 3]);
}
