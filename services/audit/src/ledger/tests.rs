use proptest::prelude::*;

use super::*;

/// A record of symbol `AAPL` in partition 0 whose sequence number is its offset plus one.
fn aapl(offset: i64, member: &str) -> Processed<'_> {
    let source = Sent { partition: 0, offset };
    Processed { source, at_ms: 0, symbol: Symbol::parse(b"AAPL"), sequence: Some(offset.unsigned_abs() + 1), member }
}

fn audit(kills: Vec<Kill>, sent: i64, processed: &[(i64, &str)]) -> Audit {
    let mut ledger = Ledger::new(kills);
    (0..sent).for_each(|offset| ledger.sent(Sent { partition: 0, offset }, 0));
    processed.iter().for_each(|&(offset, member)| ledger.processed(aapl(offset, member)));
    ledger.close()
}

fn kill(member: &str, committed: i64) -> Kill {
    Kill { member: member.into(), committed: BTreeMap::from([(0, committed)]) }
}

#[test]
fn what_comes_out_once_and_in_order_holds() {
    let audit = audit(vec![], 3, &[(0, "a"), (1, "a"), (2, "b")]);
    assert_eq!(audit, Audit { sent: 3, processed: 3, delays: Some(Delays::default()), ..Audit::default() });
    assert!(audit.holds());
}

#[test]
fn a_delay_lasts_until_an_update_is_processed_for_the_first_time() {
    let mut ledger = Ledger::new(vec![]);
    (0..2).for_each(|offset| ledger.sent(Sent { partition: 0, offset }, 1_000));
    // The second one's clock is behind.
    for (offset, at_ms) in [(0, 1_250), (1, 990), (0, 9_000)] {
        ledger.processed(Processed { at_ms, ..aapl(offset, "a") });
    }
    assert_eq!(ledger.close().delays, Some(Delays { p50_ms: 0, p99_ms: 250, worst_ms: 250 }));
}

#[test]
fn what_never_comes_out_is_lost_unless_it_is_a_dead_letter() {
    let mut ledger = Ledger::new(vec![]);
    (0..3).for_each(|offset| ledger.sent(Sent { partition: 0, offset }, 0));
    ledger.processed(aapl(0, "a"));
    ledger.dead_letter(Sent { partition: 0, offset: 1 });
    let audit = ledger.close();
    assert_eq!((audit.processed, audit.dead_letters, audit.lost), (1, 1, 1));
    assert_eq!(audit.findings, ["offset 2 of partition 0 never came out"]);
    assert!(!audit.holds());
}

#[test]
fn a_kill_explains_only_what_its_victim_had_done_beyond_its_last_commit() {
    let processed = [(0, "a"), (1, "a"), (2, "a"), (3, "b"), (1, "b"), (2, "b"), (3, "c")];
    let audit = audit(vec![kill("a", 2)], 4, &processed);
    assert_eq!((audit.twice, audit.twice_explained), (3, 1));
    assert_eq!(
        audit.findings,
        [
            "offset 1 of partition 0 was processed by a and again by b, which no kill explains",
            "offset 3 of partition 0 was processed by b and again by c, which no kill explains",
        ]
    );
    assert!(audit.holds(), "doing work twice is neither a loss nor a disorder");
}

#[test]
fn a_second_kill_explains_a_third_time() {
    let audit = audit(vec![kill("a", 0), kill("b", 0)], 1, &[(0, "a"), (0, "b"), (0, "c")]);
    assert_eq!((audit.twice, audit.twice_explained), (2, 2));
}

#[test]
fn a_repetition_is_not_a_disorder_but_a_late_first_appearance_is() {
    let repeated = audit(vec![kill("a", 0)], 2, &[(0, "a"), (1, "a"), (0, "b"), (1, "b")]);
    assert_eq!((repeated.order_violations, repeated.twice_explained), (0, 2));
    let late = audit(vec![], 3, &[(0, "a"), (2, "a"), (1, "b")]);
    assert_eq!(late.order_violations, 1);
    assert_eq!(late.findings, ["AAPL 2 (offset 1 of partition 0, b) came out behind AAPL 3"]);
    assert!(!late.holds());
}

#[test]
fn order_counts_within_a_symbol_and_a_source_partition_only() {
    let mut ledger = Ledger::new(vec![]);
    let sources = [(0, "AAPL", 9), (1, "AAPL", 1), (0, "MSFT", 1)];
    for (offset, (partition, symbol, sequence)) in (0..).zip(sources) {
        let source = Sent { partition, offset };
        ledger.sent(source, 0);
        let symbol = Symbol::parse(symbol.as_bytes());
        ledger.processed(Processed { source, at_ms: 0, symbol, sequence: Some(sequence), member: "a" });
    }
    assert!(ledger.close().holds());
}

#[test]
fn offsets_tell_the_order_where_sequence_numbers_are_missing_or_begin_anew() {
    let play = |records: &[(i64, Option<u64>)]| {
        let mut ledger = Ledger::new(vec![]);
        (0..9).for_each(|offset| ledger.sent(Sent { partition: 0, offset }, 0));
        for &(offset, sequence) in records {
            ledger.processed(Processed { sequence, ..aapl(offset, "a") });
        }
        ledger.close().order_violations
    };
    assert_eq!(play(&[(0, None), (1, None), (2, None)]), 0);
    assert_eq!(play(&[(0, None), (2, None), (1, None)]), 1);
    assert_eq!(play(&[(0, Some(1)), (1, Some(2)), (2, Some(1)), (3, Some(2))]), 0, "the sender began anew");
    assert_eq!(play(&[(1, Some(2)), (0, Some(1)), (2, Some(3))]), 1);
    assert_eq!(play(&[(0, Some(3)), (1, Some(2)), (2, Some(4))]), 1, "the sender itself was out of order");
}

#[test]
fn what_comes_from_nowhere_does_not_hold() {
    let mut ledger = Ledger::new(vec![]);
    ledger.sent(Sent { partition: 0, offset: 0 }, 0);
    ledger.processed(Processed { symbol: None, ..aapl(0, "a") });
    ledger.processed(aapl(7, "a"));
    ledger.dead_letter(Sent { partition: 1, offset: 0 });
    ledger.unmarked("out");
    let audit = ledger.close();
    assert_eq!((audit.processed, audit.lost, audit.strangers), (1, 0, 4));
    assert!(!audit.holds());
}

proptest! {
    /// Whatever happens to whichever records, the sums agree with a count by hand.
    #[test]
    fn every_record_is_in_exactly_one_account(
        sent in 1..50_i64,
        processed in prop::collection::vec((0..50_i64, 0..3_usize), 0..120),
        committed in 0..50_i64,
    ) {
        let members = ["a", "b", "c"];
        let processed: Vec<_> =
            processed.into_iter().filter(|(offset, _)| *offset < sent).map(|(o, m)| (o, members[m])).collect();
        let audit = audit(vec![kill("a", committed)], sent, &processed);
        let distinct: std::collections::BTreeSet<_> = processed.iter().map(|(offset, _)| offset).collect();
        prop_assert_eq!(audit.sent, sent.unsigned_abs());
        prop_assert_eq!(audit.processed, distinct.len() as u64);
        prop_assert_eq!(audit.processed + audit.lost, audit.sent);
        prop_assert_eq!(audit.processed + audit.twice, processed.len() as u64);
        prop_assert!(audit.twice_explained <= audit.twice);
        prop_assert_eq!(audit.holds(), audit.lost == 0 && audit.order_violations == 0);
    }

    /// A group that loses members and starts again from what was committed is never found guilty.
    #[test]
    fn work_begun_again_from_the_last_commit_is_always_explained(
        steps in prop::collection::vec((1..20_i64, 0..20_i64), 1..6),
    ) {
        let mut processed = Vec::new();
        let mut kills = Vec::new();
        let mut from = 0;
        let names: Vec<_> = (0..steps.len()).map(|number| format!("m{number}")).collect();
        for ((done, uncommitted), name) in steps.iter().zip(&names) {
            let end = from + done;
            processed.extend((from..end).map(|offset| (offset, name.as_str())));
            from = (end - uncommitted).max(from);
            kills.push(kill(name, from));
        }
        let last = processed.iter().map(|(offset, _)| offset + 1).max().unwrap();
        processed.extend((from..last).map(|offset| (offset, "last")));
        let audit = audit(kills, last, &processed);
        prop_assert!(audit.holds());
        prop_assert_eq!(audit.twice, audit.twice_explained);
    }
}

#[test]
fn what_came_in_before_or_after_the_part_looked_at_is_left_alone() {
    let mut ledger = Ledger::of(vec![], BTreeMap::from([(0, 1..3)]));
    (1..3).for_each(|offset| ledger.sent(Sent { partition: 0, offset }, 0));
    (0..4).for_each(|offset| ledger.processed(aapl(offset, "a")));
    let audit = ledger.close();
    assert_eq!((audit.sent, audit.processed, audit.strangers), (2, 2, 0));
    assert!(audit.holds());
}

#[test]
fn a_record_in_the_wrong_partition_does_not_hold() {
    let mut ledger = Ledger::default();
    ledger.sent(Sent { partition: 0, offset: 0 }, 0);
    ledger.misrouted(Sent { partition: 0, offset: 0 }, 2);
    ledger.processed(aapl(0, "a"));
    let audit = ledger.close();
    assert!(!audit.holds());
    assert_eq!(audit.findings, ["offset 0 of partition 0 belongs into partition 2"]);
}
