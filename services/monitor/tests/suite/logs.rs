//! Logs that do not stay as they were.

use serde_json::Value;

use crate::harness::{Feed, Stranger, Venue, Watch};

fn partition(view: &Value) -> &Value {
    &view["topics"][0]["partitions"][0]
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_beyond_the_log_is_told_as_such_and_never_as_no_lag() {
    let venue = Venue::open("beyond");
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    let mut feed = Feed::new(&venue, &topic);
    feed.send(0, 10).await;
    stranger.commit(&topic, 0, 25).await;
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[]).await;
    let view = watch.sees("the offset", &stranger.group, |view| partition(view)["committed"] == 25).await;
    assert_eq!((&partition(&view)["condition"], &partition(&view)["lag"]), (&"above_end".into(), &Value::Null));
    assert!(partition(&view)["reason"].as_str().unwrap().contains("beyond the end"), "{view:#}");
    assert_eq!((&view["lag"], &view["delay_seconds"]), (&Value::Null, &Value::Null));
    let labels = format!(r#"{{consumergroup="{}",partition="0",topic="{topic}"}}"#, stranger.group);
    assert_eq!(watch.metric(&format!("kafka_consumergroup_lag{labels}")).await, None);
    let labels =
        format!(r#"{{condition="above_end",consumergroup="{}",partition="0",topic="{topic}"}}"#, stranger.group);
    assert_eq!(watch.metric(&format!("kafka_consumergroup_condition{labels}")).await, Some(1.0));
    feed.send(0, 20).await;
    let view = watch.sees("the log to have caught up", &stranger.group, |view| view["lag"] == 5).await;
    assert_eq!(partition(&view)["condition"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_expired_before_they_were_done_are_told() {
    let Some(venue) = Venue::real("expired") else { return };
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    Feed::new(&venue, &topic).send(0, 100).await;
    stranger.commit(&topic, 0, 20).await;
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[]).await;
    watch.sees("the lag", &stranger.group, |view| view["lag"] == 80).await;
    venue.delete_records(&topic, 60).await;
    let view = watch.sees("the records to be gone", &stranger.group, |view| partition(view)["start"] == 60).await;
    assert_eq!((&partition(&view)["condition"], &view["lag"]), (&"below_start".into(), &40.into()), "{view:#}");
    assert!(partition(&view)["reason"].as_str().unwrap().contains("expired"), "{view:#}");
    stranger.commit(&topic, 0, 70).await;
    let view = watch.sees("the group to go on", &stranger.group, |view| view["lag"] == 30).await;
    assert_eq!(partition(&view)["condition"], "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_added_later_are_picked_up_and_add_to_the_plan() {
    let Some(venue) = Venue::real("added") else { return };
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    let mut feed = Feed::new(&venue, &topic);
    feed.send(0, 100).await;
    stranger.commit(&topic, 0, 0).await;
    let settings = [("LAG_PER_CONSUMER", "10")];
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &settings).await;
    watch.wants(&stranger.group, 1).await;
    venue.add_partitions(&topic, 3).await;
    let has_three = |view: &Value| view["topics"][0]["partitions"].as_array().unwrap().len() == 3;
    let view = watch.sees("three partitions", &stranger.group, has_three).await;
    assert_eq!(view["topics"][0]["partitions"][2]["condition"], "never_committed");
    watch.wants(&stranger.group, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_is_another_one() {
    let Some(venue) = Venue::real("anew") else { return };
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    Feed::new(&venue, &topic).send(0, 100).await;
    stranger.commit(&topic, 0, 60).await;
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[]).await;
    watch.sees("the lag", &stranger.group, |view| view["lag"] == 40).await;
    venue.delete_topic(&topic).await;
    let gone = |view: &Value| view["errors"][0]["kind"] == "no_such_topic";
    let view = watch.sees("the topic to be gone", &stranger.group, gone).await;
    assert_eq!((&view["up"], &view["lag"]), (&false.into(), &Value::Null), "{view:#}");
    venue.create_topic("stocks", 1).await;
    Feed::new(&venue, &topic).send(0, 5).await;
    let view = watch.sees("the new topic", &stranger.group, |view| partition(view)["end"] == 5).await;
    // Kafka forgets what was committed for the old one, at once or a little later.
    assert!(["above_end", "never_committed"].contains(&partition(&view)["condition"].as_str().unwrap()), "{view:#}");
    assert_eq!((&view["lag"], &partition(&view)["out_rate"]), (&Value::Null, &Value::Null), "{view:#}");
}
