//! Brokers and topics that are not there: waited for, and said so.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod stage;

use std::time::{Duration, Instant};

use producer::ProducerError;
use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::types::RDKafkaApiKey;
use reqwest::StatusCode;
use stage::{Running, Stage, assert_whole, until};

async fn is_ready(producer: &Running) -> bool {
    producer.get("/readyz").await.0 == StatusCode::OK
}

async fn is_alive(producer: &Running) -> bool {
    producer.get("/livez").await.0 == StatusCode::OK
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_waited_for() {
    let stage = Stage::without_topic();
    let producer = stage.start(&[("UPDATES", "100"), ("STAY", "true")]).await;
    until("it says what it waits for", async || {
        let expected = (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for topic {}\n", stage.topic));
        producer.get("/readyz").await == expected
    })
    .await;
    assert!(is_alive(&producer).await);
    assert_eq!(producer.count("sent").await, 0);
    stage.create_topic(3).await;
    until("all is acknowledged", async || producer.count("acknowledged").await == 100).await;
    assert!(is_ready(&producer).await);
    producer.stop().await.unwrap();
    assert_whole(&stage.records());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_to_write_that_comes_after_the_user_is_waited_for() {
    let stage = Stage::embedded();
    let refused = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    stage.mock().request_errors(RDKafkaApiKey::InitProducerId, &[refused]);
    let producer = stage.start(&[("UPDATES", "100"), ("STAY", "true")]).await;
    until("it says that it is refused", async || {
        let (code, reason) = producer.get("/readyz").await;
        code == StatusCode::SERVICE_UNAVAILABLE && reason.contains("needs the right Write on topic")
    })
    .await;
    stage.create_topic(3).await;
    until("all is acknowledged", async || producer.count("acknowledged").await == 100).await;
    assert!(is_ready(&producer).await);
    producer.stop().await.unwrap();
    assert_whole(&stage.records());
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_does_not_wait_for_the_topic() {
    let stage = Stage::without_topic();
    let producer = stage.start(&[("UPDATES", "100")]).await;
    until("it waits", async || producer.get("/readyz").await.1.contains("waiting for topic")).await;
    let error = producer.stop().await.unwrap_err();
    let expected = "not every update arrived: 100 asked for, 0 sent, 0 acknowledged, 0 failed, 0 without an answer";
    assert_eq!(error.to_string(), expected);
    let endless = stage.start(&[("UPDATES", "0")]).await;
    endless.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_created_where_asked_for() {
    let stage = Stage::without_topic();
    if stage.mock.is_some() {
        // The embedded broker creates no topics at a client's wish: what is left to see there is
        // that a topic that exists is taken as it is.
        stage.create_topic(2).await;
    }
    stage.run(&[("UPDATES", "1000"), ("CREATE_TOPIC_PARTITIONS", "5")]).await.unwrap();
    let records = stage.records();
    assert_eq!(records.len(), 1_000);
    let partitions = records.iter().map(|record| record.partition).max().unwrap() + 1;
    assert_eq!(partitions, if stage.mock.is_some() { 2 } else { 5 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_at_the_start_is_waited_for() {
    let stage = Stage::embedded_topic().await;
    stage.mock().broker_down(-1).unwrap();
    let producer = stage.start(&[("UPDATES", "100"), ("STAY", "true")]).await;
    until("it is not ready", async || !is_ready(&producer).await).await;
    assert!(is_alive(&producer).await);
    stage.mock().broker_up(-1).unwrap();
    until("all is acknowledged", async || producer.count("acknowledged").await == 100).await;
    assert!(is_ready(&producer).await);
    producer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_and_comes_back_costs_no_update() {
    let stage = Stage::embedded_topic().await;
    let producer = stage.start(&[("UPDATES", "3000"), ("RATE", "1000"), ("STAY", "true")]).await;
    until("it sends", async || producer.count("acknowledged").await >= 200).await;
    assert!(is_ready(&producer).await);
    stage.mock().broker_down(-1).unwrap();
    until("it is not ready", async || !is_ready(&producer).await).await;
    assert!(producer.get("/readyz").await.1.starts_with("Kafka is away: "));
    assert!(is_alive(&producer).await);
    stage.mock().broker_up(-1).unwrap();
    until("all is acknowledged", async || producer.count("acknowledged").await == 3_000).await;
    until("it is ready", async || is_ready(&producer).await).await;
    producer.stop().await.unwrap();
    let records = stage.records();
    assert_eq!(records.len(), 3_000);
    assert_whole(&records);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_a_broker_never_answered_for_are_told_within_the_shutdown_timeout() {
    let stage = Stage::embedded_topic().await;
    let producer = stage.start(&[("UPDATES", "0"), ("RATE", "1000"), ("SHUTDOWN_TIMEOUT", "500ms")]).await;
    until("it sends", async || producer.count("acknowledged").await >= 100).await;
    stage.mock().broker_down(-1).unwrap();
    let acknowledged = producer.count("acknowledged").await;
    until("some wait", async || producer.count("sent").await >= acknowledged + 1_000).await;
    let stopped = Instant::now();
    let error = producer.stop().await.unwrap_err();
    // The timeout, and what the client takes to give up.
    assert!(stopped.elapsed() < Duration::from_secs(3), "{:?}", stopped.elapsed());
    let ProducerError::Unacknowledged { asked, sent, acknowledged, failed } = error else { panic!("{error}") };
    assert!(asked == sent && failed == 0 && sent - acknowledged >= 900, "{error}");
}
