//! The end of a process.

use std::time::Duration;

use testing::processes::while_none_starts;

use testing::eventually;

use crate::harness::{Feed, MemberProcess, Venue};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_hands_over_and_exits_0_within_the_stated_time() {
    let venue = Venue::open("sigterm", 2).await;
    let feed = Feed::start(&venue, 2_000, 50);
    let work = [("WORK", "2ms"), ("DRAIN_TIMEOUT", "3s")];
    let mut first = MemberProcess::join(&venue, "first", &work).await;
    first.reaches("consumer_records_total", 1_000.0).await;
    first.signal("TERM");
    let (code, took) = first.exit_code().await;
    assert_eq!(code, Some(0), "{}", first.log());
    assert!(took < Duration::from_secs(3 + 10), "{took:?}");
    assert!(first.log().contains("left the group"));
    let second = MemberProcess::join(&venue, "second", &work).await;
    second.reaches("consumer_records_total", 1_000.0).await;
    let sent = feed.stop().await;
    venue.drained().await;
    venue.assert_perfect(sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_exits_at_once() {
    let venue = Venue::open("insist", 1).await;
    Feed::new(&venue).send(10, 1).await;
    let mut member = MemberProcess::join(&venue, "member", &[("WORK", "1h"), ("DRAIN_TIMEOUT", "4m")]).await;
    member.reaches("consumer_in_flight", 1.0).await;
    member.signal("INT");
    eventually("the first signal to be noticed", async || member.log().contains("SIGINT: shutting down").then_some(()))
        .await;
    member.signal("TERM");
    let (code, took) = member.exit_code().await;
    assert_eq!(code, Some(130), "{}", member.log());
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_broker_away_sigterm_still_ends_in_time() {
    let venue = Venue::embedded("away", 1);
    Feed::new(&venue).send(10, 1).await;
    let mut member = MemberProcess::join(&venue, "member", &[]).await;
    venue.drained().await;
    while_none_starts(|| venue.embedded_kafka().unwrap().broker_down()).unwrap();
    eventually("the member to notice", async || member.get("/readyz").await.filter(|(code, _)| *code == 503)).await;
    member.signal("TERM");
    let (code, took) = member.exit_code().await;
    assert_eq!(code, Some(0), "{}", member.log());
    assert!(took < Duration::from_secs(5 + 10), "{took:?}");
}
