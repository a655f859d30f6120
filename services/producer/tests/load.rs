//! How much is sent and how fast: the rate, and runs that are changed while they live.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod stage;

use reqwest::StatusCode;
use stage::{Stage, assert_whole, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_is_kept() {
    let stage = Stage::new(1).await;
    stage.run(&[("UPDATES", "601"), ("RATE", "300")]).await.unwrap();
    let times: Vec<_> = stage.records().iter().map(|record| record.timestamp_ms).collect();
    // 600 more after the first, at 300 per second: whatever a single wait takes, the schedule holds.
    let took = times.last().unwrap() - times.first().unwrap();
    assert!((1_990..4_000).contains(&took), "{took} ms");
    let half = times[300] - times[0];
    assert!((950..=took - 700).contains(&half), "evenly: {half} of {took} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_stays_can_be_told_to_run_again() {
    let stage = Stage::new(3).await;
    let producer = stage.start(&[("UPDATES", "100"), ("STAY", "true")]).await;
    until("the run is over", async || !producer.is_running().await).await;
    let expected = r#"{"running":false,"rate":0,"updates":100,"sent":100,"acknowledged":100,"failed":0}"#;
    assert_eq!(producer.get("/load").await, (StatusCode::OK, expected.to_owned()));

    let (status, load) = producer.put_load(r#"{"rate":1000,"updates":50}"#).await;
    assert_eq!(status, StatusCode::OK);
    assert!(load.starts_with(r#"{"running":true,"rate":1000,"updates":50,"#), "{load}");
    until("the second run is over", async || !producer.is_running().await).await;
    let expected = r#"{"running":false,"rate":1000,"updates":50,"sent":50,"acknowledged":50,"failed":0}"#;
    assert_eq!(producer.get("/load").await.1, expected);
    assert!((producer.metric("producer_updates_acknowledged_total").await - 150.0).abs() < 0.5);
    producer.stop().await.unwrap();

    let records = stage.records();
    assert_eq!(records.len(), 150);
    // The second run goes on counting where the first one ended.
    assert_whole(&records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_changed_while_it_lives() {
    let stage = Stage::new(3).await;
    let producer = stage.start(&[("UPDATES", "0"), ("RATE", "1")]).await;
    until("the first is sent", async || producer.count("sent").await >= 1).await;
    // At one per second this would take a quarter of an hour.
    producer.put_load(r#"{"rate":0}"#).await;
    until("it is fast", async || producer.count("sent").await >= 1_000).await;
    let sent = producer.count("sent").await;
    producer.put_load(&format!(r#"{{"rate":100000,"updates":{}}}"#, sent + 100_000)).await;
    // It ends by itself: it was told an end.
    producer.end().await.unwrap();
    let records = stage.records();
    assert_eq!(records.len() as u64, sent + 100_000);
    assert_whole(&records);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_change_is_refused_and_changes_nothing() {
    let stage = Stage::new(3).await;
    let producer = stage.start(&[("UPDATES", "10"), ("STAY", "true")]).await;
    until("the run is over", async || !producer.is_running().await).await;
    let before = producer.get("/load").await;
    for (body, reason) in [
        (r#"{"rate":10000001}"#, "rate is 10000001, expected at most 10000000 per second"),
        (r#"{"speed":1}"#, "unknown field `speed`, expected `rate` or `updates`"),
        ("fast", r#"expected JSON such as {"rate": 500, "updates": 10000}"#),
    ] {
        let (status, text) = producer.put_load(body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(text.contains(reason), "{body}: {text}");
    }
    assert_eq!(producer.get("/load").await, before);
    producer.stop().await.unwrap();
}
