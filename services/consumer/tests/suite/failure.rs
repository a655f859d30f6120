//! Members that fail.

use std::collections::BTreeMap;

use audit::Kill;

use testing::eventually;

use crate::harness::{Feed, MemberProcess, Venue};

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_member_loses_nothing_and_repeats_only_what_it_had_not_committed() {
    let venue = Venue::open("kill", 3).await;
    let feed = Feed::start(&venue, 1_500, 30);
    let work = [("WORK", "2ms"), ("COMMIT_INTERVAL", "500ms")];
    let victim = MemberProcess::join(&venue, "victim", &work).await;
    victim.has_partitions(3).await;
    let heir = MemberProcess::join(&venue, "heir", &work).await;
    eventually("the heir to get a share", async || Some(heir.partitions().await).filter(|share| !share.is_empty()))
        .await;
    victim.reaches("consumer_in_flight", 1.0).await;
    let owned: Vec<i64> = victim.partitions().await;
    victim.kill();
    // What never was committed stands at 0.
    let mut committed: BTreeMap<i32, i64> = owned.iter().map(|id| (i32::try_from(*id).unwrap(), 0)).collect();
    for (partition, offset, _) in venue.committed().await {
        committed.entry(partition).and_modify(|next| *next = offset);
    }
    heir.has_partitions(3).await;
    let sent = feed.stop().await;
    venue.drained().await;
    let audit = venue.nothing_lost(sent, vec![Kill { member: "victim".into(), committed }]).await;
    assert_eq!(audit.twice, audit.twice_explained, "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_client_error_ends_the_process_with_its_own_code() {
    let venue = Venue::embedded("fatal", 1);
    let mut member = MemberProcess::join(&venue, "member", &[]).await;
    member.has_partitions(1).await;
    venue.embedded_kafka().unwrap().refuse_heartbeats().unwrap();
    let (code, _) = member.exit_code().await;
    assert_eq!(code, Some(3), "{}", member.log());
    assert!(member.log().contains("cannot go on and has to be started anew"), "{}", member.log());
}
