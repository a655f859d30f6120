//! What is sent: every update, once, in order, where it belongs.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod stage;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use common::murmur2::partition_of;
use producer::ProducerError;
use stage::{Stage, assert_whole, until};
use testing::assert_metrics_are_documented;

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_update_arrives_once_in_order_where_every_kafka_client_would_send_it() {
    let stage = Stage::new(3).await;
    let before = now_ms();
    stage.run(&[("UPDATES", "5000"), ("SYMBOLS", "100")]).await.unwrap();
    let records = stage.records();
    assert_eq!(records.len(), 5_000);
    assert_whole(&records);
    for record in &records {
        assert_eq!(record.partition, partition_of(record.key.as_bytes(), 3).cast_signed());
        assert!((before..=now_ms()).contains(&record.timestamp_ms), "its timestamp is when it was sent");
        assert_eq!(record.headers.len(), 1, "no more headers than needed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_sends_the_same_updates_at_any_rate() {
    let mut sent = Vec::new();
    for (seed, rate) in [("7", "0"), ("7", "2000"), ("8", "0")] {
        let stage = Stage::new(1).await;
        stage.run(&[("UPDATES", "500"), ("SEED", seed), ("RATE", rate)]).await.unwrap();
        sent.push(stage.records().into_iter().map(|record| record.value).collect::<Vec<_>>());
    }
    assert_eq!(sent[0], sent[1]);
    assert_ne!(sent[0], sent[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partition_map_fixes_symbols_and_leaves_the_others_to_their_hash() {
    let stage = Stage::new(3).await;
    // AAPL's hash says 0.
    stage.run(&[("UPDATES", "500"), ("PARTITION_MAP", "AAPL:2,GOOGL:2")]).await.unwrap();
    for record in stage.records() {
        let hashed = partition_of(record.key.as_bytes(), 3).cast_signed();
        let expected = if matches!(&*record.key, "AAPL" | "GOOGL") { 2 } else { hashed };
        assert_eq!(record.partition, expected, "{}", record.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_partition_that_is_not_there_is_a_wrong_setting() {
    let stage = Stage::new(3).await;
    let error = stage.run(&[("PARTITION_MAP", "AAPL:0,MSFT:3")]).await.unwrap_err();
    let expected = format!("PARTITION_MAP sends MSFT to partition 3, but topic {} has only 3", stage.topic);
    assert_eq!(error.to_string(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_zipf_the_first_symbol_is_hot() {
    let stage = Stage::new(3).await;
    stage.run(&[("UPDATES", "2000"), ("DISTRIBUTION", "zipf"), ("SYMBOLS", "NVDA,KO,PEP")]).await.unwrap();
    let mut counts = BTreeMap::<String, u32>::new();
    for record in stage.records() {
        *counts.entry(record.key).or_default() += 1;
    }
    // 1 : 1/2 : 1/3 of 2000.
    assert!((1_000..1_180).contains(&counts["NVDA"]), "{counts:?}");
    assert!(counts["KO"] > counts["PEP"], "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_benchmark_s_records_have_the_size_asked_for() {
    let stage = Stage::new(3).await;
    stage.run(&[("UPDATES", "300"), ("RECORD_BYTES", "100B")]).await.unwrap();
    let records = stage.records();
    assert_whole(&records);
    for record in records {
        let headers: usize = record.headers.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert_eq!(record.key.len() + record.value.len() + headers, 100, "{record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn routing_tells_where_each_symbol_went() {
    let stage = Stage::new(3).await;
    let producer = stage.start(&[("UPDATES", "1000"), ("STAY", "true")]).await;
    until("the run is over", async || !producer.is_running().await).await;
    let mut counts = BTreeMap::<(String, i32), u64>::new();
    for record in stage.records() {
        *counts.entry((record.key, record.partition)).or_default() += 1;
    }
    let routes: Vec<_> = counts
        .into_iter()
        .map(|((symbol, partition), updates)| {
            serde_json::json!({"symbol": symbol, "partition": partition, "updates": updates})
        })
        .collect();
    assert_eq!(producer.json("/routing").await, serde_json::json!({"topic": stage.topic, "routes": routes}));
    producer.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_docs_name_every_metric_and_no_other() {
    let stage = Stage::new(3).await;
    let running = stage.start(&[("UPDATES", "10"), ("STAY", "true")]).await;
    until("all is acknowledged", async || running.count("acknowledged").await == 10).await;
    let (_, text) = running.get("/metrics").await;
    assert_metrics_are_documented(&text, include_str!("../../../docs/metrics.md"), "producer_", &[]);
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_slows_it_down_and_drops_nothing() {
    let stage = Stage::embedded_topic().await;
    // Batches of a slow broker: the queue of 10,000 runs full.
    stage.mock().broker_round_trip_time(-1, std::time::Duration::from_millis(100)).unwrap();
    let producer = stage.start(&[("UPDATES", "40000"), ("STAY", "true")]).await;
    until("all is acknowledged", async || producer.count("acknowledged").await == 40_000).await;
    assert!(producer.metric("producer_queue_full_total").await > 0.0);
    producer.stop().await.unwrap();
    let records = stage.records();
    assert_eq!(records.len(), 40_000);
    assert_whole(&records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finite_run_that_is_stopped_says_what_is_missing() {
    let stage = Stage::new(3).await;
    let producer = stage.start(&[("UPDATES", "100000"), ("RATE", "1000")]).await;
    until("some are sent", async || producer.count("acknowledged").await >= 50).await;
    let error = producer.stop().await.unwrap_err();
    let records = stage.records();
    assert_whole(&records);
    let arrived = records.len() as u64;
    let ProducerError::Unacknowledged { asked, sent, acknowledged, failed } = error else { panic!("{error}") };
    assert_eq!((asked, sent, acknowledged, failed), (100_000, arrived, arrived, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_run_that_is_stopped_ends_well_once_all_it_sent_has_arrived() {
    let stage = Stage::new(3).await;
    let producer = stage.start(&[("UPDATES", "0"), ("RATE", "2000")]).await;
    until("some are sent", async || producer.count("acknowledged").await >= 200).await;
    let sent = producer.count("sent").await;
    producer.stop().await.unwrap();
    let records = stage.records();
    assert!(records.len() as u64 >= sent);
    assert_whole(&records);
}
