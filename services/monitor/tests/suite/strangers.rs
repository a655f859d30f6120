//! Groups of other clients, which say nothing of themselves with their commits.

use serde_json::Value;

use crate::harness::{Feed, Stranger, Venue, Watch, now_ms};

/// How far a delay may be off: the rounds it lies between, and what the machine does meanwhile.
const TOLERANCE_MS: u64 = 300;

/// Asserts that the oldest record that waits is said to have come when it did, between two moments.
fn assert_dated(view: &Value, from_ms: u64, to_ms: u64) {
    let delay_ms = (view["delay_seconds"].as_f64().unwrap() * 1000.0) as u64;
    let came_ms = view["at_ms"].as_u64().unwrap() - delay_ms;
    let range = from_ms - TOLERANCE_MS..=to_ms + TOLERANCE_MS;
    assert!(range.contains(&came_ms), "it came at {from_ms} to {to_ms}, and was dated {came_ms}: {view:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_s_delay_follows_from_how_the_log_grew() {
    let venue = Venue::open("strangers");
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    let group = stranger.group.as_str();
    stranger.commit(&topic, 0, 0).await;
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    watch.sees("nothing to wait", group, |view| view["lag"] == 0 && view["delay_seconds"] == 0.0).await;
    let mut feed = Feed::new(&venue, &topic);
    let mut came = Vec::new();
    for sent in [10, 20, 30] {
        let from_ms = now_ms();
        feed.send(0, 10).await;
        came.push((from_ms, now_ms()));
        watch.sees("what was sent", group, |view| view["lag"] == sent).await;
        // So far apart that one cannot be taken for another.
        watch.sees("time to pass", group, |view| view["at_ms"].as_u64() > Some(from_ms + 3 * TOLERANCE_MS)).await;
    }
    for (done, (from_ms, to_ms)) in [(0, came[0]), (10, came[1]), (20, came[2])] {
        stranger.commit(&topic, 0, done).await;
        let view = watch.sees("the commit", group, |view| view["lag"] == 30 - done).await;
        assert_dated(&view, from_ms, to_ms);
        assert_eq!(view["topics"][0]["partitions"][0]["owner"], Value::Null);
    }
    stranger.commit(&topic, 0, 30).await;
    let view = watch.sees("all to be done", group, |view| view["lag"] == 0).await;
    assert_eq!(view["delay_seconds"], 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_from_before_the_monitor_came_is_dated_by_the_log() {
    let Some(venue) = Venue::real("dated") else { return };
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    stranger.commit(&topic, 0, 0).await;
    let mut feed = Feed::new(&venue, &topic);
    let came_ms = now_ms() - 40_000;
    for second in 0..40 {
        feed.send_dated(0, 10, came_ms + second * 1000).await;
    }
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[]).await;
    let is_dated = |view: &Value| view["lag"] == 400 && !view["delay_seconds"].is_null();
    let view = watch.sees("the backlog to be dated", &stranger.group, is_dated).await;
    let delay = view["delay_seconds"].as_f64().unwrap();
    // Asked is where the log stood ten and sixty seconds ago: what lies between is taken to have come evenly.
    assert!((30.0..65.0).contains(&delay), "{delay} s instead of 40 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_never_committed_has_no_lag_at_all_unless_there_is_nothing() {
    let venue = Venue::open("never");
    let topic = venue.create_topic("stocks", 2).await;
    let group = venue.name("nobody");
    Feed::new(&venue, &topic).send(0, 10).await;
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    let view = watch.sees("the records", &group, |view| view["topics"][0]["partitions"][0]["end"] == 10).await;
    let partitions = &view["topics"][0]["partitions"];
    for partition in partitions.as_array().unwrap() {
        assert_eq!(partition["condition"], "never_committed", "{view:#}");
        assert_eq!((&partition["committed"], &partition["owner"]), (&Value::Null, &Value::Null), "{view:#}");
    }
    assert_eq!((&partitions[0]["lag"], &partitions[0]["delay_seconds"]), (&Value::Null, &Value::Null));
    assert_eq!((&partitions[1]["lag"], &partitions[1]["delay_seconds"]), (&0.into(), &0.0.into()), "it is empty");
    assert_eq!((&view["lag"], &view["up"]), (&Value::Null, &true.into()), "all was read, and not all is known");
    let labels = |partition| format!(r#"{{consumergroup="{group}",partition="{partition}",topic="{topic}"}}"#);
    assert_eq!(watch.metric(&format!("kafka_consumergroup_lag{}", labels(0))).await, None);
    assert_eq!(watch.metric(&format!("kafka_consumergroup_current_offset{}", labels(0))).await, None);
    assert_eq!(watch.metric(&format!("kafka_consumergroup_lag{}", labels(1))).await, Some(0.0));
    let (status, answer) = watch.desired(&group).await;
    assert_eq!(status, 503, "who never began says nothing of how many are needed: {answer}");
}
