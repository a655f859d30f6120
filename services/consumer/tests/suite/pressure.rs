//! More than the work can bear.

use testing::eventually;

use crate::harness::{Feed, MemberProcess, Venue};

/// The memory of a process that Linux counts as resident, at its peak, in MiB.
fn peak_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_a_hundred_times_what_the_work_bears_is_held_back_in_bounded_memory() {
    let venue = Venue::open("flood", 2).await;
    let mut feed = Feed::new(&venue);
    feed.send(60_000, 40).await;
    // 16 lanes at 50 ms do some 320 updates a second; the flood is read at tens of thousands.
    let more = [("WORK", "50ms"), ("MAX_IN_FLIGHT", "500"), ("FETCH_BUFFER", "4MiB")];
    let mut member = MemberProcess::join(&venue, "member", &more).await;
    eventually("both partitions to be paused", async || {
        (member.metric("consumer_partitions_paused").await == 2.0).then_some(())
    })
    .await;
    member.reaches("consumer_records_total", 1_000.0).await;
    assert!(member.metric("consumer_in_flight").await <= 1_000.0);
    assert!(peak_mib(member.id()) < 64, "{} MiB", peak_mib(member.id()));
    // Held back is not stuck: it resumed, and it hands over at once.
    assert!(member.metric("consumer_records_total").await < 60_000.0);
    member.signal("TERM");
    let (code, took) = member.exit_code().await;
    assert_eq!(code, Some(0));
    assert!(took.as_secs_f64() < 3.0, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_large_garbage_is_held_back_too() {
    let venue = Venue::open("garbage", 1).await;
    // Nothing comes of it before the dead letters can be written.
    match venue.embedded_kafka() {
        Some(kafka) => kafka.refuse_topic(&venue.dead_letters, true).unwrap(),
        None => venue.delete_topic(&venue.dead_letters).await,
    }
    let mut feed = Feed::new(&venue);
    // The embedded broker keeps 5 MiB.
    let count = if venue.embedded_kafka().is_some() { 8 } else { 60 };
    for _ in 0..count {
        feed.raw(Some(b"AAPL"), Some(&vec![b'x'; 500_000])).await;
    }
    let member = MemberProcess::join(&venue, "member", &[("FETCH_BUFFER", "4MiB")]).await;
    member.reaches("consumer_in_flight", 1.0).await;
    if count > 20 {
        eventually("the partition to be paused", async || {
            (member.metric("consumer_partitions_paused").await == 1.0).then_some(())
        })
        .await;
        assert!(peak_mib(member.id()) < 96, "{} MiB", peak_mib(member.id()));
    }
    match venue.embedded_kafka() {
        Some(kafka) => kafka.refuse_topic(&venue.dead_letters, false).unwrap(),
        None => venue.create_topic(&venue.dead_letters, 1).await,
    }
    member.reaches("consumer_dead_letters_total{reason=\"too_long\"}", f64::from(count)).await;
    venue.drained().await;
}
