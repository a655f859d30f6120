//! What only a real Kafka shows: the classic protocol, more partitions, a random crowd.

use std::collections::BTreeMap;

use audit::Kill;

use testing::eventually;

use crate::harness::{Feed, Member, MemberProcess, Venue};

/// A venue in the real Kafka, or `None` with a word that the test did not run.
async fn real(name: &str, partitions: i32) -> Option<Venue> {
    match std::env::var("KAFKA_BOOTSTRAP_SERVERS") {
        Ok(servers) if !servers.is_empty() => Some(Venue::real(&servers, name, partitions).await),
        _ => {
            #[allow(clippy::print_stderr, reason = "what was not run is to be seen")]
            {
                eprintln!("NOT RUN: {name} needs a real Kafka in KAFKA_BOOTSTRAP_SERVERS");
            }
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_classic_protocol_hands_over_without_loss_or_repetition_too() {
    let Some(venue) = real("classic", 3).await else { return };
    let classic = [("GROUP_PROTOCOL", "classic"), ("SESSION_TIMEOUT", "6s"), ("WORK", "1ms")];
    let feed = Feed::start(&venue, 1_000, 30);
    let first = Member::join(&venue, "first", &classic).await;
    first.has_partitions(3).await;
    let second = Member::join(&venue, "second", &classic).await;
    let third = Member::join(&venue, "third", &classic).await;
    for member in [&first, &second, &third] {
        member.has_partitions(1).await;
    }
    third.reaches("consumer_records_total", 200.0).await;
    first.leave().await;
    second.leave().await;
    third.has_partitions(3).await;
    let sent = feed.stop().await;
    venue.drained().await;
    third.leave().await;
    venue.assert_perfect(sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_added_while_it_runs_are_read_from_their_first_record() {
    let Some(mut venue) = real("more", 2).await else { return };
    let feed = Feed::start(&venue, 500, 30);
    let first = Member::join(&venue, "first", &[]).await;
    let second = Member::join(&venue, "second", &[]).await;
    first.has_partitions(1).await;
    venue.add_partitions(6).await;
    venue.partitions = 6;
    first.has_partitions(3).await;
    second.has_partitions(3).await;
    // The sender learns of them within ten seconds.
    eventually("the sender to use the new partitions", async || {
        venue.ends().await.iter().all(|(_, end)| *end > 0).then_some(())
    })
    .await;
    let sent = feed.stop().await;
    venue.drained().await;
    first.leave().await;
    second.leave().await;
    // A symbol that moves to another partition has no order across the two; within each it has.
    venue.assert_perfect(sent).await;
}

/// A number generator whose run can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_random_joins_leaves_and_kills_under_load_lose_nothing() {
    let Some(venue) = real("random", 6).await else { return };
    let feed = Feed::start(&venue, 2_000, 60);
    let mut dice = Dice(20);
    let work = [("WORK", "1ms")];
    let mut members = vec![MemberProcess::join(&venue, "m0", &work).await];
    let mut kills = Vec::new();
    for step in 1..=20 {
        let which = usize::try_from(dice.roll(members.len() as u64)).unwrap();
        match dice.roll(3) {
            0 if members.len() > 1 => {
                let mut member = members.swap_remove(which);
                member.signal("TERM");
                assert_eq!(member.exit_code().await.0, Some(0), "{}", member.log());
            }
            1 if members.len() > 1 => {
                let member = members.swap_remove(which);
                let name = member.name.clone();
                member.kill();
                let mut committed: BTreeMap<i32, i64> = (0..6).map(|partition| (partition, 0)).collect();
                committed.extend(venue.committed().await.into_iter().map(|(partition, offset, _)| (partition, offset)));
                kills.push(Kill { member: name, committed });
            }
            _ => members.push(MemberProcess::join(&venue, &format!("m{step}"), &work).await),
        }
        // Now and then it settles, mostly it does not.
        if dice.roll(4) == 0 {
            eventually("all partitions to have an owner", async || {
                let mut owned = 0;
                for member in &members {
                    owned += member.partitions().await.len();
                }
                (owned == 6).then_some(())
            })
            .await;
        }
    }
    let sent = feed.stop().await;
    venue.drained().await;
    let audit = venue.nothing_lost(sent, kills).await;
    assert_eq!(audit.twice, audit.twice_explained, "{audit:?}");
}
