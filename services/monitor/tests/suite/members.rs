//! Who has what: as the broker describes it, or as commits tell.

use std::collections::BTreeSet;

use serde_json::Value;

use testing::eventually;

use crate::harness::{Feed, Member, MemberProcess, Stranger, Venue, Watch};

/// Each partition's owner; `None` while one has none.
fn owners(view: &Value) -> Option<Vec<String>> {
    let partitions = view["topics"][0]["partitions"].as_array()?;
    partitions.iter().map(|partition| Some(partition["owner"].as_str()?.to_owned())).collect()
}

/// Whether so many have a share of the partitions.
fn shared_by(view: &Value, count: usize) -> bool {
    owners(view).is_some_and(|owners| owners.iter().collect::<BTreeSet<_>>().len() == count)
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_change_as_members_come_and_go() {
    let venue = Venue::open("owners");
    let topic = venue.create_topic("stocks", 2).await;
    let group = venue.name("readers");
    let mut feed = Feed::new(&venue, &topic);
    for partition in 0..2 {
        feed.send(partition, 10).await;
    }
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    // Who is there in the first round has not joined.
    watch.sees("nobody yet", &group, |view| view["up"] == true && view["members"].as_array().unwrap().is_empty()).await;
    let first = Member::join(&venue, &group, &topic, "first", &[]).await;
    watch.sees("the first to have both", &group, |view| owners(view) == Some(vec!["first".into(); 2])).await;
    let second = Member::join(&venue, &group, &topic, "second", &[]).await;
    let view = watch.sees("each to have one", &group, |view| shared_by(view, 2)).await;
    let names: Vec<_> = view["members"].as_array().unwrap().iter().map(|member| &member["name"]).collect();
    assert_eq!(names, ["first", "second"]);
    // A real broker describes its groups, the embedded one does not.
    assert_eq!(view["members_described"], venue.embedded_kafka().is_none(), "{view:#}");
    let has_host = view["members"][0]["host"] != "";
    assert_eq!(has_host, venue.embedded_kafka().is_none(), "{view:#}");
    let members = format!(r#"kafka_consumergroup_members{{consumergroup="{group}"}}"#);
    assert_eq!(watch.metric(&members).await, Some(2.0));
    for (partition, owner) in owners(&view).unwrap().into_iter().enumerate() {
        let labels = format!(r#"{{consumergroup="{group}",member="{owner}",partition="{partition}",topic="{topic}"}}"#);
        assert_eq!(watch.metric(&format!("kafka_consumergroup_owner{labels}")).await, Some(1.0));
    }
    let rebalances =
        |cause| format!(r#"kafka_consumergroup_rebalances_total{{cause="{cause}",consumergroup="{group}"}}"#);
    assert_eq!(watch.metric(&rebalances("joined")).await, Some(2.0));
    first.leave().await;
    watch.sees("the second to have both", &group, |view| owners(view) == Some(vec!["second".into(); 2])).await;
    assert_eq!(watch.metric(&members).await, Some(1.0));
    eventually("the first's leaving to count", async || {
        watch.metric(&rebalances("left")).await.filter(|left| *left == 1.0)
    })
    .await;
    // Where nothing came, nothing waited; and members tell, so that is known.
    let pauses = format!(r#"kafka_consumergroup_rebalance_pause_seconds_total{{consumergroup="{group}"}}"#);
    assert!(watch.metric(&pauses).await.is_some());
    second.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_member_is_told_of_no_more_once_another_has_its_partitions() {
    let venue = Venue::open("killed");
    let topic = venue.create_topic("stocks", 2).await;
    let group = venue.name("readers");
    let mut feed = Feed::new(&venue, &topic);
    for partition in 0..2 {
        feed.send(partition, 10).await;
    }
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    let victim = MemberProcess::join(&venue, &group, &topic, "victim");
    watch.sees("the victim to have both", &group, |view| owners(view) == Some(vec!["victim".into(); 2])).await;
    let heir = Member::join(&venue, &group, &topic, "heir", &[]).await;
    watch.sees("each to have one", &group, |view| shared_by(view, 2)).await;
    drop(victim);
    let view = watch.sees("the heir to have both", &group, |view| owners(view) == Some(vec!["heir".into(); 2])).await;
    assert_eq!(view["members"].as_array().unwrap().len(), 1, "{view:#}");
    heir.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_a_partition_is_a_member_where_the_broker_describes_them() {
    let Some(venue) = Venue::real("idle") else { return };
    let topic = venue.create_topic("stocks", 1).await;
    let group = venue.name("readers");
    let watch = Watch::start(&venue, &format!("{group}:{topic}"), &[]).await;
    let first = Member::join(&venue, &group, &topic, "first", &[]).await;
    let second = Member::join(&venue, &group, &topic, "second", &[]).await;
    let view = watch
        .sees("two members", &group, |view| view["members"].as_array().unwrap().len() == 2 && owners(view).is_some())
        .await;
    let shares: Vec<_> =
        view["members"].as_array().unwrap().iter().map(|m| m["partitions"].as_array().unwrap().len()).collect();
    assert_eq!(shares.iter().sum::<usize>(), 1, "{view:#}");
    first.leave().await;
    second.leave().await;
    let view = watch.sees("an empty group", &group, |view| view["members"].as_array().unwrap().is_empty()).await;
    assert_eq!((owners(&view), &view["members_described"]), (None, &true.into()), "{view:#}");
    let members = format!(r#"kafka_consumergroup_members{{consumergroup="{group}"}}"#);
    assert_eq!(watch.metric(&members).await, Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_tells_of_members_their_number_is_not_zero_but_unknown() {
    let venue = Venue::embedded("untold");
    let topic = venue.create_topic("stocks", 1).await;
    let stranger = Stranger::new(&venue, "readers");
    stranger.commit(&topic, 0, 0).await;
    let watch = Watch::start(&venue, &format!("{}:{topic}", stranger.group), &[]).await;
    let view = watch.sees("the group", &stranger.group, |view| view["up"] == true).await;
    assert_eq!(view["members_described"], false);
    let members = format!(r#"kafka_consumergroup_members{{consumergroup="{}"}}"#, stranger.group);
    assert_eq!(watch.metric(&members).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_started_anew_does_not_ask_for_fewer_at_once() {
    let venue = Venue::open("anew");
    let topic = venue.create_topic("stocks", 3).await;
    let group = venue.name("readers");
    let mut feed = Feed::new(&venue, &topic);
    for partition in 0..3 {
        feed.send(partition, 10).await;
    }
    let (watched, settings) = (format!("{group}:{topic}"), [("SHRINK_AFTER", "1h")]);
    let before = Watch::start(&venue, &watched, &settings).await;
    let mut members = Vec::new();
    for name in ["first", "second", "third"] {
        members.push(Member::join(&venue, &group, &topic, name, &[]).await);
    }
    before.sees("three at work and all done", &group, |view| shared_by(view, 3) && view["lag"] == 0).await;
    before.stop().await.unwrap();
    // Nothing is to do any more: whoever knew nothing of these three would ask for one.
    let watch = Watch::start(&venue, &watched, &settings).await;
    let ten = |plans: &[Value]| plans[0]["until_ms"].as_u64() >= plans[0]["at_ms"].as_u64().map(|at| at + 1000);
    let plans = eventually("ten rounds", async || {
        let (status, plans) = watch.ask(&format!("groups/{group}/plans")).await;
        let plans = plans["plans"].as_array().filter(|_| status == 200)?.clone();
        (ten(&plans) && !plans[0]["replicas"].is_null()).then_some(plans)
    })
    .await;
    let asked: BTreeSet<_> = plans.iter().filter_map(|plan| plan["replicas"].as_u64()).collect();
    assert_eq!(asked, BTreeSet::from([3]), "{plans:#?}");
    for member in members {
        member.leave().await;
    }
}
