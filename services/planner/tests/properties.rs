//! What holds for every group, whatever its numbers.

use planner::{Partition, Plan, Rate, Settings, Snapshot, plan};
use proptest::prelude::*;
use std::time::Duration;

/// Anything a reading or a division may come to.
fn any_number() -> impl Strategy<Value = f64> {
    let odd = prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0]);
    prop_oneof![4 => 0.0..2000.0, 1 => odd, 1 => any::<f64>()]
}

fn any_backlog() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..100_000u64, 1 => any::<u64>()]
}

fn any_partition() -> impl Strategy<Value = Partition> {
    let known = (any_number(), any_backlog());
    let known = known.prop_map(|(rate, backlog)| Partition { rate: Rate::new(rate), backlog: Some(backlog) });
    prop_oneof![12 => known, 1 => Just(Partition::default())]
}

prop_compose! {
    fn any_snapshot()(
        at_ms in any::<u64>(),
        partitions in prop::collection::vec(any_partition(), 0..40),
        consumers in prop::option::of(any::<u32>()),
        capacity in prop::option::of(any_number()),
        pause_ms in prop::option::of(any::<u64>()),
    ) -> Snapshot {
        let rebalance_pause = pause_ms.map(Duration::from_millis);
        Snapshot { at_ms, partitions, names: Vec::new(), consumers, capacity: capacity.and_then(Rate::new), rebalance_pause }
    }
}

prop_compose! {
    fn any_settings()(
        min in 0..20u32,
        more in prop::option::of(0..20u32),
        utilisation in 0.1..=1.0f64,
        target_s in 1..60u64,
        shrink_s in 0..60u64,
        lag_per_consumer in 1..5000u64,
    ) -> Settings {
        Settings {
            min_consumers: min,
            max_consumers: more.map(|more| min + more),
            utilisation,
            target_delay: Duration::from_secs(target_s),
            shrink_after: Duration::from_secs(shrink_s),
            lag_per_consumer,
            ..Settings::default()
        }
    }
}

/// Complete readings of one group of twelve, every other second, and what was planned by each.
fn any_history() -> impl Strategy<Value = Vec<Snapshot>> {
    let partition = (0.0..800.0f64, 0..20_000u64);
    let partition = partition.prop_map(|(rate, backlog)| Partition { rate: Rate::new(rate), backlog: Some(backlog) });
    let capacity = prop_oneof![1 => Just(None), 4 => (1.0..2000.0f64).prop_map(Rate::new)];
    let reading = (prop::collection::vec(partition, 12), capacity, 0..20u64);
    prop::collection::vec(reading, 1..60).prop_map(|readings| {
        let snapshot =
            |(index, (partitions, capacity, pause_s)): (usize, (Vec<Partition>, Option<Rate>, u64))| Snapshot {
                at_ms: 1_700_000_000_000 + index as u64 * 5000,
                partitions,
                names: Vec::new(),
                consumers: Some(3),
                capacity,
                rebalance_pause: Some(Duration::from_secs(pause_s)),
            };
        readings.into_iter().enumerate().map(snapshot).collect()
    })
}

fn last_plan(history: &[Snapshot], settings: &Settings) -> Option<Plan> {
    history.iter().fold(None, |previous, snapshot| Some(plan(snapshot, previous.as_ref(), settings)))
}

proptest! {
    #[test]
    fn an_answer_is_always_within_its_bounds(
        snapshots in prop::collection::vec(any_snapshot(), 1..20),
        settings in any_settings(),
    ) {
        let mut previous = None;
        for snapshot in snapshots {
            let next = plan(&snapshot, previous.as_ref(), &settings);
            let partitions = snapshot.partitions.len() as u32;
            if let Some(replicas) = next.replicas.filter(|_| partitions > 0) {
                prop_assert!(replicas >= settings.min_consumers.clamp(1, partitions));
                prop_assert!(replicas <= settings.max_consumers.unwrap_or(u32::MAX).max(1));
                prop_assert!(replicas <= partitions);
            }
            previous = Some(next);
        }
    }

    #[test]
    fn only_counts_that_change_the_largest_share_are_chosen(history in any_history()) {
        let plan = last_plan(&history, &Settings::default()).unwrap();
        prop_assert!([1, 2, 3, 4, 6, 12].contains(&plan.replicas.unwrap()));
    }

    #[test]
    fn more_arrivals_or_more_backlog_never_mean_fewer_consumers(
        history in any_history(),
        more in prop::collection::vec((0.0..500.0f64, 0..50_000u64), 12),
        shrink_s in 0..100u64,
    ) {
        let settings = Settings { shrink_after: Duration::from_secs(shrink_s), ..Settings::default() };
        let (less, earlier) = history.split_last().unwrap();
        let mut busier = less.clone();
        for (partition, (rate, backlog)) in busier.partitions.iter_mut().zip(more) {
            partition.rate = partition.rate.and_then(|before| Rate::new(before.per_second() + rate));
            // What a rate leaves uncommitted is no backlog: it must not hide the backlog that was there.
            partition.backlog = partition.backlog.map(|before| before + backlog);
        }
        let previous = last_plan(earlier, &settings);
        let less = plan(less, previous.as_ref(), &settings);
        let more = plan(&busier, previous.as_ref(), &settings);
        prop_assert!(more.replicas >= less.replicas, "{} / {}", less.sentence, more.sentence);
    }

    #[test]
    fn constant_input_gives_a_constant_answer(history in any_history()) {
        let settings = Settings::default();
        let snapshot = Snapshot { consumers: None, ..history[0].clone() };
        let first = plan(&snapshot, None, &settings);
        let mut last = first.clone();
        for round in 1..200 {
            last = plan(&Snapshot { at_ms: snapshot.at_ms + round * 2000, ..snapshot.clone() }, Some(&last), &settings);
            prop_assert_eq!(last.replicas, first.replicas);
        }
    }

    #[test]
    fn after_any_past_constant_input_leads_one_way_to_one_answer(history in any_history()) {
        let settings = Settings::default();
        let mut last = last_plan(&history, &settings).unwrap();
        let snapshot = history.last().unwrap();
        let mut seen = vec![last.replicas.unwrap()];
        for round in 1..500 {
            let again = Snapshot { at_ms: snapshot.at_ms + round * 2000, ..snapshot.clone() };
            last = plan(&again, Some(&last), &settings);
            seen.push(last.replicas.unwrap());
        }
        let rises = seen.windows(2).any(|pair| pair[1] > pair[0]);
        let falls = seen.windows(2).any(|pair| pair[1] < pair[0]);
        prop_assert!(!(rises && falls), "{seen:?}");
        prop_assert_eq!(seen[300], seen[499]);
    }

    #[test]
    fn a_lost_reading_never_shrinks(
        history in any_history(),
        lost in prop::collection::vec(any::<bool>(), 12),
        gap_s in 0..600u64,
    ) {
        let settings = Settings { shrink_after: Duration::ZERO, ..Settings::default() };
        let previous = last_plan(&history, &settings).unwrap();
        let last = history.last().unwrap();
        let mut gaps = Snapshot { at_ms: last.at_ms + gap_s * 1000, ..last.clone() };
        for (partition, lost) in gaps.partitions.iter_mut().zip(&lost) {
            if *lost {
                *partition = Partition::default();
            }
        }
        gaps.partitions[0].backlog = None;
        let nothing = Snapshot { partitions: Vec::new(), ..gaps.clone() };
        for reading in [gaps, nothing] {
            let next = plan(&reading, Some(&previous), &settings);
            prop_assert_eq!(next.replicas.is_none(), gap_s > 300);
            prop_assert!(next.replicas.is_none_or(|replicas| replicas >= previous.replicas.unwrap()));
        }
    }

    #[test]
    fn every_decision_has_a_sentence_that_begins_with_it(snapshot in any_snapshot(), settings in any_settings()) {
        let plan = plan(&snapshot, None, &settings);
        let beginning = plan.replicas.map_or("no answer: ".to_owned(), |count| format!("{count}: "));
        prop_assert!(plan.sentence.starts_with(&beginning), "{}", plan.sentence);
        prop_assert!(!plan.sentence.contains("NaN"), "{}", plan.sentence);
    }
}
