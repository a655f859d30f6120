//! Kafka goes away, in part or as a whole: unknown is not zero.

use serde_json::Value;
use testing::processes::while_none_starts;

use testing::{ControlledKafka, eventually};

use crate::harness::{Feed, MonitorProcess, Stranger, Venue, Watch};

/// Asserts that nothing of what a group's standing was is told as if it were known.
async fn assert_nothing_is_known(watch: &Watch, group: &str) {
    let view = watch.sees("the absence", group, |view| view["up"] == false && view["lag"].is_null()).await;
    assert_eq!((&view["delay_seconds"], &view["topics"][0]["lag"]), (&Value::Null, &Value::Null), "{view:#}");
    let partition = &view["topics"][0]["partitions"][0];
    assert_eq!(partition["condition"], "unread", "it is unknown, not gone: {view:#}");
    for name in ["start", "end", "committed", "lag", "delay_seconds", "in_rate", "out_rate"] {
        assert_eq!(partition[name], Value::Null, "{name}: {view:#}");
    }
    assert!(partition["reason"].is_string(), "{view:#}");
    let kind = view["errors"][0]["kind"].as_str().unwrap();
    assert!(["unreachable", "timed_out"].contains(&kind), "{view:#}");
    assert_ne!(view["errors"][0]["reason"], "", "{view:#}");
    let page = watch.metrics().await;
    for name in ["kafka_consumergroup_lag", "kafka_consumergroup_delay_seconds", "kafka_topic_partition_current_offset"]
    {
        assert!(!page.contains(name), "{name} is in\n{page}");
    }
    assert_eq!(watch.metric(&format!(r#"monitor_up{{consumergroup="{group}"}}"#)).await, Some(0.0));
    let errors = format!(r#"monitor_read_errors_total{{consumergroup="{group}",kind="{kind}"}}"#);
    assert!(watch.metric(&errors).await >= Some(1.0), "{page}");
}

/// Kafka goes away and comes back; `HOLD` is two seconds.
async fn goes_and_comes_back(venue: &Venue, away: impl FnOnce(), back: impl FnOnce()) {
    let topic = venue.create_topic("stocks", 2).await;
    let stranger = Stranger::new(venue, "readers");
    let group = stranger.group.as_str();
    for partition in 0..2 {
        stranger.commit(&topic, partition, 0).await;
        Feed::new(venue, &topic).send(partition, 10).await;
    }
    let settings = [("LAG_PER_CONSUMER", "10"), ("HOLD", "2s"), ("READ_TIMEOUT", "300ms")];
    let watch = Watch::start(venue, &format!("{group}:{topic}"), &settings).await;
    watch.wants(group, 2).await;
    away();
    let held = eventually("the answer to be held", async || {
        let (status, desired) = watch.desired(group).await;
        assert_eq!((status, &desired["desired"]), (200, &2.into()), "{desired}");
        (desired["reason"] == "held").then_some(desired)
    })
    .await;
    assert!(held["sentence"].as_str().unwrap().starts_with("2: held, for "), "{held}");
    assert_nothing_is_known(&watch, group).await;
    let refused = eventually("the answer to be given up", async || {
        let (status, answer) = watch.desired(group).await;
        (status == 503).then_some(answer)
    })
    .await;
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("no complete reading for") && error.contains(&format!("({topic}: ")), "{error}");
    let desired = format!(r#"planner_desired_consumers{{consumergroup="{group}"}}"#);
    assert_eq!(watch.metric(&desired).await, None);
    assert_eq!(watch.get("/livez").await.0, 200);
    assert_eq!(watch.get("/readyz").await.0, 200, "what is not known is told, too");
    back();
    watch.sees("all of it again", group, |view| view["up"] == true && view["lag"] == 20).await;
    watch.wants(group, 2).await;
    assert_eq!(watch.metric(&desired).await, Some(2.0));
    let reasons: Vec<_> = watch.plans(group).await.into_iter().map(|plan| plan["reason"].clone()).collect();
    let told = reasons.iter().filter_map(Value::as_str).collect::<Vec<_>>();
    assert!(told.windows(4).any(|plans| plans == ["lag", "unknown", "held", "lag"]), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_kafka_is_away_nothing_is_told_as_zero_and_the_answer_is_held_for_a_while() {
    let venue = Venue::embedded("away");
    let kafka = venue.embedded_kafka().unwrap();
    goes_and_comes_back(&venue, || while_none_starts(|| kafka.broker_down()).unwrap(), || kafka.broker_up().unwrap())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_broker_killed_and_started_again_is_the_same() {
    let Some(kafka) = ControlledKafka::start("monitor-killed", &[]) else { return };
    let venue = Venue::at(&kafka.bootstrap_servers(), "killed");
    goes_and_comes_back(&venue, || kafka.kill9(), || kafka.start_again()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_broker_that_stalls_is_the_same() {
    let Some(kafka) = ControlledKafka::start("monitor-stalled", &[]) else { return };
    let venue = Venue::at(&kafka.bootstrap_servers(), "stalled");
    goes_and_comes_back(&venue, || kafka.pause(), || kafka.resume()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_is_said_in_the_log_and_so_is_its_end() {
    let venue = Venue::embedded("said");
    let kafka = venue.embedded_kafka().unwrap();
    let topic = venue.create_topic("stocks", 1).await;
    while_none_starts(|| kafka.broker_down()).unwrap();
    let quick = [("READ_TIMEOUT", "200ms")];
    let monitor = MonitorProcess::start(&venue.bootstrap_servers, &format!("readers:{topic}"), &quick).await;
    eventually("the absence to be said", async || monitor.log().contains("Kafka is away for").then_some(())).await;
    monitor.ready().await;
    kafka.broker_up().unwrap();
    eventually("the return to be said", async || monitor.log().contains("Kafka is back after").then_some(())).await;
    let warnings = monitor.log().lines().filter(|line| line.contains("WARN")).count();
    assert_eq!(warnings, 1, "{}", monitor.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_refused_leaves_the_others_told_and_the_answer_held() {
    let venue = Venue::embedded("refused");
    let kafka = venue.embedded_kafka().unwrap();
    let (open, shut) = (venue.create_topic("open", 1).await, venue.create_topic("shut", 1).await);
    let stranger = Stranger::new(&venue, "readers");
    let group = stranger.group.as_str();
    for topic in [&open, &shut] {
        stranger.commit(topic, 0, 0).await;
        Feed::new(&venue, topic).send(0, 10).await;
    }
    let watch = Watch::start(&venue, &format!("{group}:{open},{group}:{shut}"), &[("LAG_PER_CONSUMER", "10")]).await;
    watch.wants(group, 2).await;
    kafka.refuse_topic(&shut, true).unwrap();
    let view = watch.sees("the refusal", group, |view| view["up"] == false).await;
    assert_eq!(view["errors"].as_array().unwrap().len(), 1, "{view:#}");
    assert_eq!(
        (&view["errors"][0]["kind"], &view["errors"][0]["of"]),
        (&"not_authorized".into(), &shut.as_str().into()),
        "{view:#}"
    );
    assert_eq!((&view["topics"][0]["lag"], &view["topics"][1]["lag"]), (&10.into(), &Value::Null), "{view:#}");
    assert_eq!(view["lag"], Value::Null, "what is unknown of one is unknown of all: {view:#}");
    let labels = |topic: &str| format!(r#"{{consumergroup="{group}",partition="0",topic="{topic}"}}"#);
    assert_eq!(watch.metric(&format!("kafka_consumergroup_lag{}", labels(&open))).await, Some(10.0));
    assert_eq!(watch.metric(&format!("kafka_consumergroup_lag{}", labels(&shut))).await, None);
    let (status, desired) = watch.desired(group).await;
    assert_eq!((status, &desired["desired"], &desired["reason"]), (200, &2.into(), &"held".into()), "{desired}");
    kafka.refuse_topic(&shut, false).unwrap();
    watch.sees("all of it again", group, |view| view["up"] == true && view["lag"] == 20).await;
}
