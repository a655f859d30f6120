//! Decisions by example: what is chosen, for which reason, in which words.

use planner::{Partition, Plan, Rate, Reason, Settings, Snapshot, plan};
use std::time::Duration;

const START_MS: u64 = 1_700_000_000_000;

/// A reading of partitions with the same arrivals and the same backlog each, beside consumers of 500/s.
fn even(partitions: usize, rate: f64, backlog: u64) -> Snapshot {
    let partition = Partition { rate: Rate::new(rate), backlog: Some(backlog) };
    Snapshot {
        at_ms: START_MS,
        partitions: vec![partition; partitions],
        capacity: Rate::new(500.0),
        ..Snapshot::default()
    }
}

fn later(snapshot: &Snapshot, seconds: u64) -> Snapshot {
    Snapshot { at_ms: snapshot.at_ms + seconds * 1000, ..snapshot.clone() }
}

fn first(snapshot: &Snapshot) -> Plan {
    plan(snapshot, None, &Settings::default())
}

fn next(snapshot: &Snapshot, previous: &Plan) -> Plan {
    plan(snapshot, Some(previous), &Settings::default())
}

#[track_caller]
fn decides(plan: &Plan, replicas: u32, reason: Reason, sentence: &str) {
    assert_eq!((plan.replicas, plan.reason, plan.sentence.as_str()), (Some(replicas), reason, sentence));
}

#[test]
fn arrivals_decide_at_the_utilisation_planned_with() {
    let plan = first(&even(12, 100.0, 0));
    decides(&plan, 3, Reason::Load, "3: partition load 400/s of 500/s each; 2 would have 600/s");
    let plan = first(&even(12, 101.0, 0));
    decides(&plan, 4, Reason::Load, "4: partition load 303/s of 500/s each; 3 would have 404/s");
}

#[test]
fn a_backlog_decides_where_fewer_would_drain_it_too_late() {
    let plan = first(&even(12, 60.0, 1060));
    decides(
        &plan,
        6,
        Reason::Backlog,
        "6: partition load 120/s of 500/s each; 4 would drain 12,000 behind in 14 s, target 10 s",
    );
}

#[test]
fn what_is_only_not_committed_yet_is_no_backlog() {
    let plan = first(&even(12, 100.0, 100));
    decides(&plan, 3, Reason::Load, "3: partition load 400/s of 500/s each; 2 would have 600/s");
}

#[test]
fn the_minimum_answers_where_nothing_happens() {
    decides(&first(&even(12, 0.0, 0)), 1, Reason::Minimum, "1: partition load 0/s of 500/s each; no fewer are allowed");
}

#[test]
fn the_maximum_answers_where_more_are_needed() {
    let settings = Settings { max_consumers: Some(10), ..Settings::default() };
    let plan = plan(&even(12, 300.0, 0), None, &settings);
    let sentence = "6: partition load 600/s of 500/s each; 12 are needed and 6 allowed";
    decides(&plan, 6, Reason::Maximum, sentence);
}

#[test]
fn one_partition_with_more_than_a_consumer_can_do_is_named() {
    let mut snapshot = even(12, 100.0, 0);
    snapshot.partitions[7].rate = Rate::new(900.0);
    let plan = first(&snapshot);
    let sentence =
        "12: partition 7 alone has 900/s, 45 % of all, and one consumer does 500/s: more consumers cannot help";
    decides(&plan, 12, Reason::HotPartition, sentence);
    let hot = plan.hot.unwrap();
    assert_eq!((hot.partition, hot.rate, hot.share), ("7".to_owned(), 900.0, 0.45));
}

#[test]
fn a_hot_partition_alone_asks_for_no_second_consumer() {
    let mut snapshot = even(12, 0.0, 0);
    snapshot.partitions[7] = Partition { rate: Rate::new(900.0), backlog: Some(1_000_000) };
    assert_eq!(first(&snapshot).replicas, Some(1));
}

#[test]
fn growing_waits_while_the_present_count_keeps_up() {
    let plan = next(&even(12, 115.0, 0), &first(&even(12, 100.0, 0)));
    let sentence = "3: partition load 460/s of 500/s each; nothing is behind, 4 would pay back after 28 s only";
    decides(&plan, 3, Reason::Wait, sentence);
    let plan = next(&even(12, 126.0, 0), &plan);
    decides(&plan, 4, Reason::Load, "4: partition load 378/s of 500/s each; 3 would have 504/s");
}

#[test]
fn growing_waits_where_a_backlog_is_gone_before_it_would_pay_back() {
    let three = first(&even(12, 80.0, 0));
    let plan = next(&even(12, 80.0, 80 + 1000), &three);
    let sentence =
        "3: partition load 320/s of 500/s each; drains 12,000 behind in 22 s, 6 would pay back after 24 s only";
    decides(&plan, 3, Reason::Wait, sentence);
    let plan = next(&even(12, 80.0, 80 + 1200), &three);
    let sentence = "6: partition load 160/s of 500/s each; 4 would drain 14,400 behind in 22 s, target 10 s";
    decides(&plan, 6, Reason::Backlog, sentence);
}

#[test]
fn a_slow_rebalance_makes_growing_wait_longer_but_not_for_ever() {
    let three = first(&even(12, 80.0, 0));
    let slow = |snapshot: Snapshot| Snapshot { rebalance_pause: Some(Duration::from_secs(60)), ..snapshot };
    assert_eq!(next(&slow(even(12, 80.0, 2000)), &three).reason, Reason::Wait);
    assert_eq!(next(&slow(even(12, 126.0, 0)), &three).replicas, Some(4));
}

#[test]
fn shrinking_waits_for_lasting_headroom_and_goes_step_by_step() {
    let twelve = first(&even(12, 300.0, 0));
    let calm = even(12, 10.0, 0);
    let mut last = twelve;
    let mut steps = Vec::new();
    for second in (0..60).step_by(2) {
        let plan = next(&later(&calm, second), &last);
        if plan.replicas != last.replicas {
            assert_eq!(plan.reason, Reason::Shrink);
            steps.push((second, plan.replicas.unwrap()));
        }
        if second == 12 {
            let sentence = "12: partition load 10/s of 500/s each; 1 would do, for 12 s of 20 s so far";
            decides(&plan, 12, Reason::Headroom, sentence);
        }
        last = plan;
    }
    assert_eq!(steps, [(20, 6), (24, 3), (28, 2), (32, 1)]);
}

#[test]
fn one_busy_reading_makes_headroom_begin_anew() {
    let mut last = first(&even(12, 300.0, 0));
    for second in (0..120).step_by(2) {
        let rate = if second % 20 == 18 { 300.0 } else { 10.0 };
        last = next(&later(&even(12, rate, 0), second), &last);
        assert_eq!(last.replicas, Some(12));
    }
}

#[test]
fn a_long_silence_is_no_lasting_headroom() {
    let twelve = first(&even(12, 300.0, 0));
    let plan = next(&later(&even(12, 10.0, 0), 2), &twelve);
    let plan = next(&later(&even(12, 10.0, 0), 1000), &plan);
    assert_eq!(plan.replicas, Some(12));
}

#[test]
fn the_first_decision_begins_with_the_consumers_there_are() {
    let calm = Snapshot { consumers: Some(5), ..even(12, 10.0, 0) };
    let plan = first(&calm);
    let sentence = "4: partition load 30/s of 500/s each; 1 would do, for 0 s of 20 s so far";
    decides(&plan, 4, Reason::Headroom, sentence);
}

#[test]
fn the_last_answer_is_held_for_five_minutes_and_then_there_is_none() {
    let four = first(&even(12, 101.0, 0));
    let lost = Snapshot { at_ms: START_MS, ..Snapshot::default() };
    let held = next(&later(&lost, 300), &four);
    decides(&held, 4, Reason::Held, "4: held, for 300 s of 300 s without a complete reading");
    let silent = next(&later(&lost, 301), &held);
    assert_eq!((silent.replicas, silent.reason), (None, Reason::Unknown));
    assert_eq!(silent.sentence, "no answer: no complete reading for 301 s");
    let back = next(&later(&even(12, 10.0, 0), 400), &silent);
    assert_eq!(back.replicas, Some(4));
}

#[test]
fn without_any_reading_there_is_no_answer() {
    let plan = first(&Snapshot { consumers: Some(3), ..Snapshot::default() });
    assert_eq!((plan.replicas, plan.reason), (None, Reason::Unknown));
    assert_eq!(plan.sentence, "no answer: no complete reading yet");
}

#[test]
fn a_reading_with_gaps_still_grows_for_what_is_known_and_is_no_headroom() {
    let three = first(&even(12, 100.0, 0));
    let mut gaps = even(12, 300.0, 0);
    gaps.partitions[0] = Partition::default();
    let calm = |second| later(&even(12, 100.0, 0), second);
    let before = (0..30).step_by(2).fold(three, |last, second| next(&calm(second), &last));
    let mut last = next(&later(&gaps, 30), &before);
    assert_eq!(last.replicas, Some(12));
    for second in (32..52).step_by(2) {
        last = next(&calm(second), &last);
        assert_eq!((last.replicas, last.reason), (Some(12), Reason::Headroom));
    }
    assert_eq!(next(&calm(52), &last).replicas, Some(6));
}

#[test]
fn while_capacity_is_unknown_the_plain_lag_threshold_answers() {
    let snapshot = Snapshot { capacity: None, ..even(12, 100.0, 200) };
    let sentence = "3: 2,400 behind at 1,000 for each; what one consumer can do is not known yet";
    decides(&first(&snapshot), 3, Reason::Lag, sentence);
}

#[test]
fn what_was_too_much_for_one_consumer_is_not_given_to_one_again_while_capacity_is_unknown() {
    let unknown = |rate, backlog| Snapshot { capacity: None, consumers: Some(1), ..even(12, rate, backlog) };
    let one = first(&unknown(33.0, 20));
    assert_eq!(one.replicas, Some(1));
    let grown = next(&later(&unknown(50.0, 120), 2), &one);
    decides(&grown, 2, Reason::Lag, "2: 1,440 behind at 1,000 for each; what one consumer can do is not known yet");
    // Two have worked the backlog off: that is no reason to let one try again.
    let busy = (0..30).fold(grown, |plan, round| next(&later(&unknown(50.0, 10), 4 + 2 * round), &plan));
    decides(&busy, 2, Reason::Lag, "2: 1 would have 600/s, and 600/s was too much for one consumer");
    let quiet = (0..30).fold(busy, |plan, round| next(&later(&unknown(25.0, 10), 64 + 2 * round), &plan));
    assert_eq!(quiet.replicas, Some(1));
}

#[test]
fn a_set_capacity_goes_before_a_learned_one() {
    let settings = Settings { consumer_capacity: Some(2000.0), ..Settings::default() };
    assert_eq!(plan(&even(12, 100.0, 0), None, &settings).replicas, Some(1));
}

#[test]
fn settings_out_of_range_are_named() {
    assert_eq!(Settings::default().check(), Ok(()));
    let wrong = [
        ("TARGET_DELAY", Settings { target_delay: Duration::ZERO, ..Settings::default() }),
        ("COMMIT_INTERVAL", Settings { commit_interval: Duration::from_secs(11), ..Settings::default() }),
        ("UTILISATION", Settings { utilisation: f64::NAN, ..Settings::default() }),
        ("UTILISATION", Settings { utilisation: 1.1, ..Settings::default() }),
        ("MIN_CONSUMERS", Settings { min_consumers: 0, ..Settings::default() }),
        ("MAX_CONSUMERS", Settings { min_consumers: 4, max_consumers: Some(3), ..Settings::default() }),
        ("LAG_PER_CONSUMER", Settings { lag_per_consumer: 0, ..Settings::default() }),
        ("CONSUMER_CAPACITY", Settings { consumer_capacity: Some(0.0), ..Settings::default() }),
    ];
    for (variable, settings) in wrong {
        assert_eq!(settings.check().unwrap_err().variable, variable);
    }
}
