//! How many consumers are asked for, and why.

use serde_json::Value;

use crate::harness::{Feed, Stranger, Venue, Watch, now_ms};

#[tokio::test(flavor = "multi_thread")]
async fn each_decision_has_its_sentence_and_stands_until_the_next() {
    let venue = Venue::open("decisions");
    let topic = venue.create_topic("stocks", 3).await;
    let stranger = Stranger::new(&venue, "readers");
    let group = stranger.group.as_str();
    for partition in 0..3 {
        stranger.commit(&topic, partition, 0).await;
    }
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[("LAG_PER_CONSUMER", "10")]).await;
    watch.wants(group, 1).await;
    Feed::new(&venue, &topic).send(0, 25).await;
    let desired = watch.wants(group, 3).await;
    let sentence = "3: 25 behind at 10 for each; what one consumer can do is not known yet";
    assert_eq!((&desired["reason"], &desired["sentence"]), (&"lag".into(), &sentence.into()));
    let made_ms = watch.plans(group).await[0]["at_ms"].as_u64().unwrap();
    watch.sees("some rounds", group, |view| view["at_ms"].as_u64() > Some(made_ms + 300)).await;
    let plans = watch.plans(group).await;
    let told: Vec<_> = plans.iter().map(|plan| (&plan["replicas"], &plan["reason"])).collect();
    let (lag, unknown) = (Value::from("lag"), Value::from("unknown"));
    assert_eq!(told, [(&3.into(), &lag), (&1.into(), &lag), (&Value::Null, &unknown)], "the newest first: {plans:#?}");
    assert_eq!((plans[0]["at_ms"].as_u64(), &plans[0]["sentence"]), (Some(made_ms), &sentence.into()));
    assert!(plans[0]["until_ms"].as_u64() > Some(made_ms), "{plans:#?}");
    assert!(plans[1]["until_ms"].as_u64() < Some(made_ms), "{plans:#?}");
    assert!(plans[2]["sentence"].as_str().unwrap().starts_with("no answer: "), "{plans:#?}");
    let holds = |reason: &str| format!(r#"planner_reason{{consumergroup="{group}",reason="{reason}"}}"#);
    assert_eq!(watch.metric(&holds("lag")).await, Some(1.0));
    assert_eq!(watch.metric(&holds("held")).await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capacity_that_is_set_is_planned_with_and_limits_are_kept() {
    let venue = Venue::open("capacity");
    let topic = venue.create_topic("stocks", 3).await;
    let stranger = Stranger::new(&venue, "readers");
    let group = stranger.group.as_str();
    let mut feed = Feed::new(&venue, &topic);
    for partition in 0..3 {
        stranger.commit(&topic, partition, 0).await;
        feed.send(partition, 1000).await;
    }
    let settings = [("CONSUMER_CAPACITY", "100"), ("MAX_CONSUMERS", "2"), ("TARGET_DELAY", "5s"), ("START_TIME", "1s")];
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &settings).await;
    let desired = watch.wants(group, 2).await;
    assert_eq!(desired["reason"], "maximum", "{desired}");
    assert!(desired["sentence"].as_str().unwrap().ends_with("; 3 are needed and 2 allowed"), "{desired}");
    let view = watch.next_round(group).await;
    assert_eq!((&view["capacity"], &view["target_delay_seconds"]), (&100.0.into(), &5.0.into()));
    assert_eq!((&view["plan"]["needed"], &view["plan"]["replicas"]), (&3.into(), &2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_by_an_answer_gets_one_of_this_moment() {
    let venue = Venue::open("fresh");
    let topic = venue.create_topic("stocks", 2).await;
    let stranger = Stranger::new(&venue, "readers");
    let group = stranger.group.as_str();
    for partition in 0..2 {
        stranger.commit(&topic, partition, 0).await;
    }
    let settings = [("LAG_PER_CONSUMER", "10"), ("INTERVAL", "1m")];
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &settings).await;
    watch.sees("the first round", group, |view| view["up"] == true).await;
    watch.wants(group, 1).await;
    let asked_ms = now_ms();
    Feed::new(&venue, &topic).send(0, 20).await;
    // The next round of its own is a minute away.
    let desired = watch.wants(group, 2).await;
    assert!(desired["at_ms"].as_u64() >= Some(asked_ms), "{desired}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_watched_is_not_found_and_those_that_are_get_named() {
    let venue = Venue::embedded("unknown");
    let topic = venue.create_topic("stocks", 1).await;
    let watch = Watch::start(&venue, &format!("readers:{topic},team:writers:{topic}"), &[]).await;
    watch.next_round("readers").await;
    for path in ["groups/reader", "groups/reader/desired", "groups/reader/plans", "events?group=reader"] {
        let (status, answer) = watch.ask(path).await;
        assert_eq!(status, 404, "{path}: {answer}");
        let error = "group reader is not watched; GROUPS names readers, team:writers";
        assert_eq!(answer["error"], error, "{path}");
    }
    assert_eq!(watch.ask("groups/team:writers").await.0, 200);
    assert_eq!(watch.ask("groups/team%3Awriters/plans").await.0, 200);
}
