//! What was too much for one consumer, while it is not known what one can do.

use crate::counts::Counts;
use crate::{Rate, Settings, Snapshot};

/// The least arrivals of one consumer's partitions at which the backlog asked for more consumers. A plain lag threshold
/// forgets that as soon as the backlog is gone, and would ask for fewer and more in turns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Overload(Option<f64>);

impl Overload {
    /// Notes that `count` consumers were too few.
    pub(crate) fn note(&mut self, snapshot: &Snapshot, counts: &Counts, count: u32) {
        let arrivals = arrivals(snapshot, counts, count);
        self.0 = Some(self.0.map_or(arrivals, |least| least.min(arrivals)));
    }

    /// What one consumer could do is known now.
    pub(crate) fn forget(&mut self) {
        self.0 = None;
    }

    /// Records per second that were too much for one consumer.
    pub(crate) fn per_consumer(self) -> Option<f64> {
        self.0
    }

    /// The smallest count, up to `present`, whose every consumer stays well below what was too much for one.
    pub(crate) fn fewest(self, snapshot: &Snapshot, counts: &Counts, present: u32, settings: &Settings) -> u32 {
        let Some(too_much) = self.0 else { return 0 };
        let bearable = |count: &u32| arrivals(snapshot, counts, *count) <= too_much * settings.utilisation;
        counts.iter().find(bearable).unwrap_or(present).min(present)
    }
}

/// Arrivals of the busiest of `count` consumers, at worst.
pub(crate) fn arrivals(snapshot: &Snapshot, counts: &Counts, count: u32) -> f64 {
    let rate = |partition: &crate::Partition| partition.rate.map_or(0.0, Rate::per_second);
    let mut rates: Vec<f64> = snapshot.partitions.iter().map(rate).collect();
    rates.sort_by(|a, b| b.total_cmp(a));
    rates.iter().take(counts.largest_share(count)).sum()
}
