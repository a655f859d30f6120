//! Groups of our consumers, several groups, several topics, and what is not there.

use serde_json::Value;

use testing::eventually;

use crate::harness::{Feed, Member, Stranger, Venue, Watch};

/// A member that does two hundred updates a second, as both kinds of Kafka let it.
const SLOW: &[(&str, &str)] = &[("WORK", "5ms"), ("LANES", "1")];

#[tokio::test(flavor = "multi_thread")]
async fn a_group_at_work_is_told_with_lag_delay_owner_and_rates_and_ends_at_zero() {
    let venue = Venue::open("at-work");
    let topic = venue.create_topic("stocks", 1).await;
    let group = venue.name("readers");
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    Feed::new(&venue, &topic).send(0, 400).await;
    let member = Member::join(&venue, &group, &topic, "hard-worker", SLOW).await;
    let view = watch
        .sees("the group at work", &group, |view| {
            let partition = &view["topics"][0]["partitions"][0];
            partition["out_rate"].as_f64() > Some(20.0) && partition["delay_seconds"].as_f64() > Some(0.0)
        })
        .await;
    let partition = &view["topics"][0]["partitions"][0];
    let number = |name: &str| partition[name].as_u64().unwrap();
    assert_eq!(number("lag"), number("end") - number("committed"), "{view:#}");
    assert_eq!((number("start"), number("end")), (0, 400));
    assert_eq!((&view["lag"], &view["topics"][0]["lag"]), (&partition["lag"], &partition["lag"]));
    assert_eq!(view["delay_seconds"], partition["delay_seconds"]);
    assert_eq!((&partition["owner"], &partition["condition"]), (&"hard-worker".into(), &"ok".into()));
    assert_eq!(view["members"][0]["partitions"][0], format!("{topic}/0"));
    assert!(partition["out_rate"].as_f64() < Some(300.0), "{view:#}");
    let view = watch.sees("the end of the work", &group, |view| view["lag"] == 0).await;
    assert_eq!((&view["delay_seconds"], &view["up"]), (&0.0.into(), &true.into()), "{view:#}");
    let series = |name: &str| format!(r#"{name}{{consumergroup="{group}",partition="0",topic="{topic}"}}"#);
    assert_eq!(watch.metric(&series("kafka_consumergroup_lag")).await, Some(0.0));
    assert_eq!(watch.metric(&series("kafka_consumergroup_current_offset")).await, Some(400.0));
    assert_eq!(watch.metric(&series("kafka_consumergroup_delay_seconds")).await, Some(0.0));
    member.leave().await;
    watch.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_those_of_arrivals_and_of_work() {
    let venue = Venue::open("rates");
    let topic = venue.create_topic("stocks", 2).await;
    let group = venue.name("readers");
    let member = Member::join(&venue, &group, &topic, "member", &[]).await;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let feed = tokio::spawn(Feed::new(&venue, &topic).send_until(200, 2, stopped));
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    watch
        .sees("two hundred a second in and out of each partition", &group, |view| {
            let partitions = view["topics"][0]["partitions"].as_array().unwrap();
            let near = |rate: &Value| rate.as_f64().is_some_and(|rate| (170.0..230.0).contains(&rate));
            partitions.len() == 2 && partitions.iter().all(|p| near(&p["in_rate"]) && near(&p["out_rate"]))
        })
        .await;
    stop.send(()).unwrap();
    feed.await.unwrap();
    watch
        .sees("both to fall", &group, |view| {
            let partitions = view["topics"][0]["partitions"].as_array().unwrap();
            partitions.iter().all(|p| p["in_rate"].as_f64() < Some(120.0) && p["out_rate"].as_f64() < Some(120.0))
        })
        .await;
    member.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_groups_are_each_told_as_their_own() {
    let venue = Venue::open("several");
    let (shared, other) = (venue.create_topic("shared", 2).await, venue.create_topic("other", 1).await);
    Feed::new(&venue, &shared).send(0, 30).await;
    let (ahead, behind) = (Stranger::new(&venue, "ahead"), Stranger::new(&venue, "behind"));
    for (stranger, topic, partition, offset) in
        [(&ahead, &shared, 0, 30), (&ahead, &shared, 1, 0), (&behind, &shared, 0, 10), (&behind, &other, 0, 0)]
    {
        stranger.commit(topic, partition, offset).await;
    }
    behind.commit(&shared, 1, 0).await;
    let groups = format!("{0}:{other},{1}:{shared},{0}:{shared}", behind.group, ahead.group);
    let watch = Watch::start(&venue, &groups, &[]).await;
    watch.sees("the group that is behind", &behind.group, |view| view["lag"] == 20).await;
    let (_, all) = watch.ask("groups").await;
    let told: Vec<_> =
        all["groups"].as_array().unwrap().iter().map(|g| (&g["group"], &g["topics"], &g["lag"])).collect();
    let (first, second) = (Value::from(behind.group.as_str()), Value::from(ahead.group.as_str()));
    let topics = [Value::from([other.as_str(), &shared].as_slice()), Value::from([shared.as_str()].as_slice())];
    assert_eq!(told, [(&first, &topics[0], &20.into()), (&second, &topics[1], &0.into())]);
    let page = watch.metrics().await;
    for (group, topic, sum) in [(&behind, &shared, 20), (&behind, &other, 0), (&ahead, &shared, 0)] {
        let line = format!(r#"kafka_consumergroup_lag_sum{{consumergroup="{}",topic="{topic}"}} {sum}"#, group.group);
        assert!(page.contains(&line), "{line} is not in\n{page}");
    }
    let ends = page.lines().filter(|line| line.starts_with("kafka_topic_partition_current_offset{")).count();
    assert_eq!(ends, 3, "a topic that two groups read is told once:\n{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_group_with_two_topics_is_one_plan() {
    let venue = Venue::open("one-plan");
    let (left, right) = (venue.create_topic("left", 1).await, venue.create_topic("right", 1).await);
    let stranger = Stranger::new(&venue, "both");
    for topic in [&left, &right] {
        stranger.commit(topic, 0, 0).await;
        Feed::new(&venue, topic).send(0, 60).await;
    }
    let groups = format!("{0}:{left},{0}:{right}", stranger.group);
    let watch = Watch::start(&venue, &groups, &[("LAG_PER_CONSUMER", "100")]).await;
    // Of each topic alone, sixty behind would be work for one.
    let desired = watch.wants(&stranger.group, 2).await;
    assert_eq!(desired["reason"], "lag");
    assert!(desired["sentence"].as_str().unwrap().starts_with("2: 120 behind at 100 for each"), "{desired}");
    assert_eq!(watch.ask("groups").await.1["groups"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_there_is_said_and_read_once_it_is() {
    let venue = Venue::open("not-yet");
    let topic = venue.name("stocks");
    let stranger = Stranger::new(&venue, "readers");
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[]).await;
    let view = watch.sees("the topic to be missed", &stranger.group, |view| !view["errors"][0].is_null()).await;
    assert_eq!(
        (&view["errors"][0]["kind"], &view["errors"][0]["of"]),
        (&"no_such_topic".into(), &topic.clone().into())
    );
    assert_eq!((&view["up"], &view["lag"], &view["delay_seconds"]), (&false.into(), &Value::Null, &Value::Null));
    let group = &stranger.group;
    assert_eq!(watch.metric(&format!(r#"monitor_up{{consumergroup="{group}"}}"#)).await, Some(0.0));
    let errors = format!(r#"monitor_read_errors_total{{consumergroup="{group}",kind="no_such_topic"}}"#);
    let counted = watch.metric(&errors).await.unwrap();
    assert!(counted >= 1.0);
    let page = watch.metrics().await;
    assert!(!page.contains("kafka_consumergroup_lag") && !page.contains("kafka_topic_partitions"), "{page}");
    let (status, answer) = watch.desired(group).await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer["error"].as_str().unwrap().contains(&format!("({topic}: ")), "{answer}");
    assert_eq!(venue.create_topic("stocks", 2).await, topic);
    for partition in 0..2 {
        stranger.commit(&topic, partition, 0).await;
    }
    watch.sees("the topic to be read", group, |view| view["up"] == true && view["lag"] == 0).await;
    eventually("an answer", async || (watch.desired(group).await.0 == 200).then_some(())).await;
    assert_eq!(watch.metric(&format!(r#"kafka_topic_partitions{{topic="{topic}"}}"#)).await, Some(2.0));
}
