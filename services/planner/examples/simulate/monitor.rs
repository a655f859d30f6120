//! What a monitor reads every two seconds, as the service does: offsets, smoothed rates, what each owner achieved.

use crate::group::Group;
use crate::trace::PARTITIONS;
use planner::{Capacity, Partition, Rate, Snapshot, Stint};
use std::collections::BTreeMap;
use std::time::Duration;

/// Seconds between two readings.
pub(crate) const INTERVAL: f64 = 2.0;
/// A reading that is younger is fresh enough for who asks.
pub(crate) const FRESH: f64 = 0.5;
/// From a reading to its plan being served.
pub(crate) const LATENCY: f64 = 0.3;
/// Seconds over which arrivals are smoothed.
const SMOOTHING: f64 = 3.0;

#[derive(Default)]
pub(crate) struct Monitor {
    capacity: Capacity,
    last: Option<Reading>,
    rates: Vec<f64>,
}

#[derive(Clone)]
struct Reading {
    at: f64,
    arrived: Vec<f64>,
    committed: Vec<f64>,
    committed_at: Vec<f64>,
    owners: Vec<Option<u32>>,
}

impl Reading {
    fn partitions_of(&self, owner: u32) -> Vec<usize> {
        (0..PARTITIONS).filter(|index| self.owners[*index] == Some(owner)).collect()
    }

    fn last_commit_ms(&self, partitions: &[usize]) -> u64 {
        partitions.iter().map(|index| (self.committed_at[*index] * 1000.0) as u64).max().unwrap_or(0)
    }

    fn backlog(&self, partitions: &[usize]) -> u64 {
        partitions.iter().map(|index| (self.arrived[*index] - self.committed[*index]).max(0.0)).sum::<f64>() as u64
    }
}

impl Monitor {
    /// How old the last reading is.
    pub(crate) fn age(&self, now: f64) -> f64 {
        self.last.as_ref().map_or(f64::INFINITY, |last| now - last.at)
    }

    /// Reads the group.
    pub(crate) fn read(&mut self, now: f64, group: &Group) -> Snapshot {
        let partitions = &group.partitions;
        let reading = Reading {
            at: now,
            arrived: partitions.iter().map(|partition| partition.arrived).collect(),
            committed: partitions.iter().map(|partition| partition.committed).collect(),
            committed_at: partitions.iter().map(|partition| partition.committed_at).collect(),
            owners: partitions.iter().map(|partition| partition.owner).collect(),
        };
        if let Some(last) = self.last.take() {
            self.smooth(&last, &reading);
            self.learn(&last, &reading);
        }
        self.last = Some(reading);
        let at_ms = (now * 1000.0) as u64;
        let rates = (0..PARTITIONS).map(|index| self.rates.get(index).and_then(|rate| Rate::new(*rate)));
        let known = rates.zip(partitions).map(|(rate, partition)| Partition { rate, backlog: Some(partition.lag()) });
        Snapshot {
            at_ms,
            partitions: known.collect(),
            names: Vec::new(),
            consumers: Some(group.members()),
            capacity: self.capacity.estimate(at_ms),
            rebalance_pause: (group.rebalances > 0).then(|| Duration::from_secs_f64(group.pause)),
        }
    }

    fn smooth(&mut self, last: &Reading, now: &Reading) {
        let seconds = now.at - last.at;
        let weight = 1.0 - (-seconds / SMOOTHING).exp();
        let measured = (0..PARTITIONS).map(|index| (now.arrived[index] - last.arrived[index]) / seconds);
        if self.rates.is_empty() {
            self.rates = measured.collect();
        } else {
            self.rates.iter_mut().zip(measured).for_each(|(rate, measured)| *rate += weight * (measured - *rate));
        }
    }

    fn learn(&mut self, last: &Reading, now: &Reading) {
        let mut names = BTreeMap::new();
        for owner in now.owners.iter().flatten() {
            names.entry(*owner).or_insert_with(|| owner.to_string());
        }
        let stints = names.iter().filter_map(|(owner, consumer)| {
            let partitions = now.partitions_of(*owner);
            let done = partitions.iter().map(|index| now.committed[*index] - last.committed[*index]).sum::<f64>();
            (partitions == last.partitions_of(*owner)).then(|| Stint {
                consumer,
                from_ms: last.last_commit_ms(&partitions),
                to_ms: now.last_commit_ms(&partitions),
                done: done as u64,
                backlog_before: last.backlog(&partitions),
                backlog_after: now.backlog(&partitions),
            })
        });
        self.capacity.observe(&stints.collect::<Vec<_>>());
    }
}
