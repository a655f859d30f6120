//! Known defects of lag thresholds, and what the planner does in the same place.

use crate::hpa::Hpa;
use crate::keda;
use planner::{Partition, Plan, Rate, Settings, Snapshot, plan};

/// A group of `lags.len()` partitions with next to no arrivals.
fn snapshot(lags: &[Option<u64>], capacity: Option<f64>) -> Snapshot {
    let partition = |lag: &Option<u64>| Partition { rate: lag.and_then(|_| Rate::new(0.1)), backlog: *lag };
    Snapshot {
        partitions: lags.iter().map(partition).collect(),
        capacity: capacity.and_then(Rate::new),
        ..Snapshot::default()
    }
}

/// What the HPA makes of KEDA's metric.
fn by_keda(lags: &[Option<u64>], threshold: u64, replicas: u32) -> u32 {
    Hpa::new(replicas, 1, 1000, 0.1).propose(keda::metric(lags, threshold) as f64, threshold as f64)
}

/// What the HPA makes of the planner's metric.
fn by_planner(plan: &Plan, replicas: u32) -> Option<u32> {
    plan.replicas.map(|count| Hpa::new(replicas, 1, 1000, 0.0).propose(f64::from(count), 1.0))
}

#[test]
fn no_more_consumers_are_asked_for_than_there_are_partitions() {
    for total in [26, 27, 28, 29] {
        let lags = [Some(total), Some(0), Some(0), Some(0), Some(0)];
        assert_eq!(by_keda(&lags, 5, 4), 6);
        let settings = Settings { lag_per_consumer: 5, ..Settings::default() };
        for capacity in [None, Some(1.0)] {
            let plan = plan(&snapshot(&lags, capacity), None, &settings);
            assert_eq!(by_planner(&plan, 4), Some(5), "{}", plan.sentence);
        }
    }
}

#[test]
fn the_maximum_is_reached_also_from_just_below_it() {
    for (partitions, stuck) in [(24, 22..24), (64, 59..64)] {
        let lags = vec![Some(100_000); partitions as usize];
        for replicas in stuck {
            assert_eq!(by_keda(&lags, 10, replicas), replicas);
            for capacity in [None, Some(100.0)] {
                let plan = plan(&snapshot(&lags, capacity), None, &Settings::default());
                assert_eq!(by_planner(&plan, replicas), Some(partitions), "{}", plan.sentence);
            }
        }
    }
}

#[test]
fn a_partition_without_an_answer_is_not_one_without_lag() {
    let mut lags = vec![Some(0); 12];
    lags[3] = Some(120);
    assert_eq!(by_keda(&lags, 10, 12), 12);
    let settings = Settings { lag_per_consumer: 10, ..Settings::default() };
    let before = plan(&snapshot(&lags, None), None, &settings);
    lags[3] = None;
    assert_eq!(by_keda(&lags, 10, 12), 0);
    let mut last = before;
    for second in 1..300 {
        let gap = Snapshot { at_ms: second * 1000, ..snapshot(&lags, None) };
        last = plan(&gap, Some(&last), &settings);
        assert_eq!(by_planner(&last, 12), Some(12), "{}", last.sentence);
    }
}
