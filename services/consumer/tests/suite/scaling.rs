//! Members that come and go.

use std::collections::BTreeSet;
use std::time::Duration;

use testing::eventually;

use crate::harness::{Feed, Member, MemberProcess, Venue};

/// Waits until every partition has one owner among the members, and each has a fair share.
async fn settled(members: &[&Member], partitions: usize) {
    eventually(&format!("{} members to share {partitions} partitions", members.len()), async || {
        let mut all = Vec::new();
        for member in members {
            let share = member.partitions().await;
            let fair = partitions / members.len()..=partitions.div_ceil(members.len());
            if !fair.contains(&share.len()) {
                return None;
            }
            all.extend(share);
        }
        let distinct: BTreeSet<_> = all.iter().collect();
        (distinct.len() == partitions && all.len() == partitions).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_grows_from_one_to_three_and_back_loses_nothing_and_repeats_nothing() {
    let venue = Venue::open("grow", 3).await;
    let feed = Feed::start(&venue, 1_000, 30);
    let first = Member::join(&venue, "first", &[("WORK", "1ms")]).await;
    settled(&[&first], 3).await;
    first.reaches("consumer_records_total", 300.0).await;
    let second = Member::join(&venue, "second", &[("WORK", "1ms")]).await;
    let third = Member::join(&venue, "third", &[("WORK", "1ms")]).await;
    settled(&[&first, &second, &third], 3).await;
    third.reaches("consumer_records_total", 300.0).await;
    second.leave().await;
    settled(&[&first, &third], 3).await;
    first.leave().await;
    settled(&[&third], 3).await;
    let sent = feed.stop().await;
    venue.drained().await;
    assert_eq!(third.metric("consumer_order_violations_total").await, 0.0);
    assert_eq!(third.metric("consumer_duplicates_total").await, 0.0);
    third.leave().await;
    venue.assert_perfect(sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_more_than_there_are_partitions_is_ready_and_takes_over() {
    let venue = Venue::open("spare", 1).await;
    let first = Member::join(&venue, "first", &[]).await;
    settled(&[&first], 1).await;
    let spare = Member::join(&venue, "spare", &[]).await;
    eventually("the spare member to be ready", async || spare.get("/readyz").await.filter(|(code, _)| *code == 200))
        .await;
    assert_eq!(spare.partitions().await, Vec::<i64>::new());
    first.leave().await;
    settled(&[&spare], 1).await;
    spare.leave().await;
}

/// Lets a member with a backlog of slow work share it with a second one. First come a few symbols' updates, so that
/// the lanes of all others run far ahead of theirs.
async fn hand_over_of_slow_work(venue: &Venue, updates: u64, work: &str) {
    let mut feed = Feed::new(venue);
    feed.send(updates / 2, 6).await;
    feed.send(updates / 2, 60).await;
    let settings = [("WORK", work), ("WORKERS", "1"), ("LANES", "8"), ("DRAIN_TIMEOUT", "5s")];
    let first = MemberProcess::join(venue, "first", &settings).await;
    first.reaches("consumer_in_flight", 1.0).await;
    let second = MemberProcess::join(venue, "second", &settings).await;
    let gave = eventually("the first member to hand over and the second to work", async || {
        // However long joining takes, the backlog lasts.
        let done = first.metric("consumer_records_total").await + second.metric("consumer_records_total").await;
        if done + (updates / 2) as f64 > feed.sent() as f64 {
            feed.send(updates / 2, 60).await;
        }
        let gave = first.log_with("rebalance").into_iter().find(|line| line["rebalance"] == "revoked")?;
        (second.metric("consumer_records_total").await > 0.0).then_some(gave)
    })
    .await;
    assert_eq!(gave["abandoned"], 0, "{gave}");
    let took = Duration::from_millis(gave["drain_ms"].as_u64().unwrap());
    assert!(took < Duration::from_secs(4), "{gave}");
    venue.drained().await;
    venue.assert_perfect(feed.sent()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_slow_work_is_handed_over_in_time_and_nothing_of_it_is_repeated() {
    hand_over_of_slow_work(&Venue::open("slow", 3).await, 600, "20ms").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_worker_for_many_partitions_hands_over_in_time_too() {
    hand_over_of_slow_work(&Venue::open("slow-many", 12).await, 200, "100ms").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rebalance_is_one_line_that_says_who_had_what() {
    let venue = Venue::open("told", 2).await;
    let mut feed = Feed::new(&venue);
    feed.send(200, 20).await;
    let mut first = MemberProcess::join(&venue, "first", &[]).await;
    first.has_partitions(2).await;
    first.reaches("consumer_records_total", 200.0).await;
    venue.drained().await;
    let second = MemberProcess::join(&venue, "second", &[]).await;
    let moved = second.has_partitions(1).await;
    feed.send(200, 20).await;
    let line = eventually("the second member to tell of its partition", async || {
        second.log_with("rebalance").first().cloned()
    })
    .await;
    assert_eq!(line["rebalance"], "assigned");
    assert_eq!(line["partitions"], moved[0].to_string());
    assert_eq!(line["previous"], format!("{}:first", moved[0]));
    let gave = first.log_with("rebalance").into_iter().find(|line| line["rebalance"] == "revoked").unwrap();
    assert_eq!((&gave["partitions"], &gave["keeps"]), (&line["partitions"], &(1 - moved[0]).to_string().into()));
    first.signal("TERM");
    assert_eq!(first.exit_code().await.0, Some(0));
    second.has_partitions(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_say_who_owns_a_partition_and_how_far_it_is() {
    let venue = Venue::open("owner", 1).await;
    let mut feed = Feed::new(&venue);
    feed.send(50, 5).await;
    let first = Member::join(&venue, "first", &[]).await;
    venue.drained().await;
    let committed = venue.committed().await;
    let (_, offset, metadata) = &committed[0];
    let metadata = metadata.as_ref().unwrap();
    assert_eq!((*offset, metadata.member.as_str()), (50, "first"));
    assert!(metadata.done_ms.is_some_and(|done| done <= metadata.at_ms));
    first.leave().await;
    // With nothing to do, the next owner says that it is there all the same.
    let second = Member::join(&venue, "second", &[]).await;
    eventually("the second member to announce itself", async || {
        let committed = venue.committed().await;
        let (_, offset, metadata) = committed.into_iter().next()?;
        let metadata = metadata.filter(|metadata| metadata.member == "second")?;
        assert_eq!((offset, metadata.done_ms.is_some()), (50, true));
        Some(())
    })
    .await;
    second.leave().await;
}
