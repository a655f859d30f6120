//! Beginning and end, also while Kafka does not answer.

use std::time::Duration;

use serde_json::Value;

use crate::harness::{MonitorProcess, Silence, Stranger, Venue};

/// So slow that whoever looks always comes before the end of the first round.
const SLOW: &[(&str, &str)] = &[("READ_TIMEOUT", "30s")];

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_round_it_lives_and_is_not_ready_and_answers_nothing() {
    let silence = Silence::keep();
    let monitor = MonitorProcess::start(&silence.bootstrap_servers(), "readers:stocks", SLOW).await;
    assert_eq!(monitor.get("/livez").await.0, 200);
    assert_eq!(monitor.get("/readyz").await, (503, "the first round of reading is not over yet\n".to_owned()));
    for path in ["groups/readers", "groups/readers/desired", "groups/readers/plans", "groups/others"] {
        let (status, answer) = monitor.get(&format!("/api/v1/{path}")).await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &answer["error"]), (503, &"the first round of reading is not over yet".into()), "{path}");
    }
    let (_, page) = monitor.get("/metrics").await;
    assert!(!page.contains("kafka_") && !page.contains("monitor_up"), "nothing is known: {page}");
    let (code, took) = monitor.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}, in the middle of a call that takes 30 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_ready_when_the_first_round_is_over_whether_kafka_answered_or_not() {
    let silence = Silence::keep();
    let quick = [("READ_TIMEOUT", "200ms")];
    let monitor = MonitorProcess::start(&silence.bootstrap_servers(), "readers:stocks", &quick).await;
    monitor.ready().await;
    let (status, view) = monitor.get("/api/v1/groups/readers").await;
    let view: Value = serde_json::from_str(&view).unwrap();
    assert_eq!((status, &view["up"], &view["lag"]), (200, &false.into(), &Value::Null), "{view:#}");
    let kind = view["errors"][0]["kind"].as_str().unwrap();
    assert!(["timed_out", "unreachable"].contains(&kind), "{view:#}");
    let (status, answer) = monitor.get("/api/v1/groups/readers/desired").await;
    assert_eq!(status, 503, "{answer}");
    let (code, took) = monitor.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_it_at_once_while_it_reads_and_streams() {
    let venue = Venue::open("sigterm");
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    stranger.commit(&topic, 0, 0).await;
    let groups = format!("{}:{topic}", stranger.group);
    let monitor = MonitorProcess::start(&venue.bootstrap_servers, &groups, &[]).await;
    monitor.ready().await;
    let mut events = monitor.events().await;
    events.next().await.unwrap();
    let (code, took) = monitor.terminate().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(2), "{took:?}");
    while events.next().await.is_some() {}
}
