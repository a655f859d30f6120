//! What a group's partitions ask of their consumers.

use crate::counts::Counts;
use crate::{HotPartition, Partition, Rate, Settings, Snapshot};
use std::time::Duration;

/// Arrivals and arrears of every partition, beside what one consumer can do.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Records per second of one consumer.
    pub(crate) capacity: f64,
    partitions: Vec<Work>,
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
struct Work {
    /// Arrivals per second.
    rate: f64,
    /// Records waiting, without those that are only not committed yet.
    behind: f64,
}

impl Load {
    /// What is known of `snapshot`; a partition that is not known adds nothing here. `None` without a capacity.
    pub(crate) fn new(snapshot: &Snapshot, settings: &Settings) -> Option<Self> {
        let set = settings.consumer_capacity.and_then(Rate::new);
        let capacity = set.or(snapshot.capacity).map(Rate::per_second).filter(|capacity| *capacity > 0.0)?;
        let uncommitted = settings.commit_interval.as_secs_f64();
        let work = |partition: &Partition| {
            let rate = partition.rate.map_or(0.0, Rate::per_second);
            let behind = partition.backlog.map_or(0.0, |records| (records as f64 - rate * uncommitted).max(0.0));
            Work { rate, behind }
        };
        Some(Self {
            capacity,
            partitions: snapshot.partitions.iter().map(work).collect(),
            names: snapshot.names.clone(),
        })
    }

    /// Records per second a consumer must do in the worst case, if it has `share` partitions and is to take their
    /// arrivals and drain their arrears `within` a time. No partition counts for more than `cap`.
    pub(crate) fn of_share(&self, share: usize, within: Duration, cap: f64) -> f64 {
        self.demands(within, cap).iter().take(share).sum()
    }

    /// The smallest count whose every consumer does with `planned` records per second. A partition that alone takes
    /// more counts as one consumer's whole work: so it asks to be alone, and for nothing that would not help.
    pub(crate) fn needs(&self, counts: &Counts, planned: f64, within: Duration) -> u32 {
        let demands = self.demands(within, planned);
        let enough = |count: &u32| demands.iter().take(counts.largest_share(*count)).sum::<f64>() <= planned;
        counts.iter().find(enough).unwrap_or_else(|| counts.largest())
    }

    /// How long the busiest of consumers with `share` partitions each needs to drain its arrears, if each does `speed`
    /// records per second, in seconds; `None` for never. The busiest is who has most to do `within` a time.
    pub(crate) fn drained_after(&self, share: usize, speed: f64, within: Duration) -> Option<f64> {
        let mut work = self.partitions.clone();
        work.sort_by(|a, b| b.demand(within).total_cmp(&a.demand(within)));
        let (rate, behind) = work.iter().take(share).fold((0.0, 0.0), |(r, b), work| (r + work.rate, b + work.behind));
        (rate < speed).then(|| behind / (speed - rate))
    }

    /// Records waiting in all partitions.
    pub(crate) fn behind(&self) -> f64 {
        self.partitions.iter().map(|work| work.behind).sum()
    }

    /// The partition whose arrivals exceed what one consumer can do by most, if there is one.
    pub(crate) fn hot(&self) -> Option<HotPartition> {
        let total: f64 = self.partitions.iter().map(|work| work.rate).sum();
        let hottest = self.partitions.iter().enumerate().max_by(|(_, a), (_, b)| a.rate.total_cmp(&b.rate));
        let (partition, work) = hottest.filter(|(_, work)| work.rate > self.capacity)?;
        let name = self.names.get(partition).cloned().unwrap_or_else(|| partition.to_string());
        Some(HotPartition { partition: name, rate: work.rate, share: work.rate / total })
    }

    /// Each partition's demand, the largest first.
    fn demands(&self, within: Duration, cap: f64) -> Vec<f64> {
        let mut demands: Vec<f64> = self.partitions.iter().map(|work| work.demand(within).min(cap)).collect();
        demands.sort_by(|a, b| b.total_cmp(a));
        demands
    }
}

impl Work {
    fn demand(self, within: Duration) -> f64 {
        // No time at all asks for endless speed of whoever is behind, and nothing more of who is not.
        if self.behind > 0.0 { self.rate + self.behind / within.as_secs_f64() } else { self.rate }
    }
}
