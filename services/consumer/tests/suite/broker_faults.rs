//! Brokers that go away, stall, and die.

use std::time::Duration;

use testing::processes::while_none_starts;

use testing::{ControlledKafka, eventually, for_a_time};

use crate::harness::{Feed, MemberProcess, Venue};

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_away_for_ten_seconds_is_said_and_survived() {
    let venue = Venue::embedded("outage", 2);
    let kafka = venue.embedded_kafka().unwrap();
    Feed::new(&venue).send(500, 20).await;
    let member = MemberProcess::join(&venue, "member", &[]).await;
    venue.drained().await;
    while_none_starts(|| kafka.broker_down()).unwrap();
    let (_, reason) =
        eventually("readiness to fail", async || member.get("/readyz").await.filter(|(code, _)| *code == 503)).await;
    assert!(reason.contains("Kafka is away"), "{reason}");
    for_a_time(Duration::from_secs(10)).await;
    assert_eq!(member.get("/livez").await.unwrap().0, 200);
    let lines = member.log().lines().filter(|line| line.contains("WARN")).count();
    assert!((1..=4).contains(&lines), "{lines} warnings in ten seconds:\n{}", member.log());
    kafka.broker_up().unwrap();
    eventually("readiness to return", async || member.get("/readyz").await.filter(|(code, _)| *code == 200)).await;
    eventually("the return to be said", async || member.log().contains("Kafka is back after").then_some(())).await;
    // The embedded broker may leave a client that was connected before without an answer.
    Feed::of_symbols(&venue, 'T').send(500, 20).await;
    venue.drained().await;
    // The embedded broker counts sessions on while it is down: what is done before the member hears that it was
    // counted out is done again.
    venue.nothing_lost(1_000, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_at_the_start_is_waited_for() {
    let venue = Venue::embedded("late", 1);
    let kafka = venue.embedded_kafka().unwrap();
    Feed::new(&venue).send(100, 10).await;
    while_none_starts(|| kafka.broker_down()).unwrap();
    let member = MemberProcess::join(&venue, "member", &[]).await;
    eventually("the absence to be said", async || member.log().contains("Kafka is away for").then_some(())).await;
    assert_eq!(member.get("/readyz").await.unwrap().0, 503);
    assert_eq!(member.get("/livez").await.unwrap().0, 200);
    kafka.broker_up().unwrap();
    venue.drained().await;
    assert_eq!(member.get("/readyz").await.unwrap().0, 200);
    venue.assert_perfect(100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_midway_and_started_again_costs_no_update() {
    let Some(kafka) = ControlledKafka::start("broker-killed", &[]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "killed", 3).await;
    let feed = Feed::start(&venue, 1_000, 30);
    let member = MemberProcess::join(&venue, "member", &[("WORK", "1ms")]).await;
    member.reaches("consumer_records_total", 500.0).await;
    kafka.kill9();
    eventually("readiness to fail", async || member.get("/readyz").await.filter(|(code, _)| *code == 503)).await;
    kafka.start_again();
    let before = member.metric("consumer_records_total").await;
    member.reaches("consumer_records_total", before + 500.0).await;
    let sent = feed.stop().await;
    venue.drained().await;
    venue.nothing_lost(sent, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_the_broker_has_forgotten_ends_to_be_started_anew() {
    let Some(kafka) = ControlledKafka::start("broker-wiped", &[]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "wiped", 1).await;
    Feed::new(&venue).send(100, 10).await;
    // Nothing is forwarded: the new broker gives out the old one's producer ids again.
    let settings = [("OUTPUT_TOPIC", "")];
    let mut member = MemberProcess::join(&venue, "member", &settings).await;
    venue.drained().await;
    kafka.kill9_and_wipe();
    kafka.start_again();
    venue.create_topics().await;
    Feed::new(&venue).send(300, 10).await;
    let (code, _) = member.exit_code().await;
    assert_eq!(code, Some(3), "{}", member.log());
    let _anew = MemberProcess::join(&venue, "anew", &settings).await;
    venue.drained().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_stalls_for_twelve_seconds_costs_no_update() {
    let Some(kafka) = ControlledKafka::start("broker-paused", &[]) else { return };
    let venue = Venue::real(&kafka.bootstrap_servers(), "paused", 3).await;
    let feed = Feed::start(&venue, 500, 30);
    let first = MemberProcess::join(&venue, "first", &[("WORK", "1ms")]).await;
    let second = MemberProcess::join(&venue, "second", &[("WORK", "1ms")]).await;
    eventually("both to have a share", async || {
        (first.partitions().await.len() + second.partitions().await.len() == 3 && !second.partitions().await.is_empty())
            .then_some(())
    })
    .await;
    first.reaches("consumer_records_total", 200.0).await;
    kafka.pause();
    for_a_time(Duration::from_secs(12)).await;
    assert_eq!(first.get("/livez").await.unwrap().0, 200);
    kafka.resume();
    let before = second.metric("consumer_records_total").await;
    second.reaches("consumer_records_total", before + 200.0).await;
    let sent = feed.stop().await;
    venue.drained().await;
    venue.nothing_lost(sent, Vec::new()).await;
}
