//! Whether more consumers are worth waiting for and the rebalance that brings them.

use crate::counts::Counts;
use crate::load::Load;
use std::time::Duration;

/// What it costs until more consumers are of use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// From a decision until its consumers are there.
    pub(crate) start: Duration,
    /// How long a rebalance keeps moved partitions waiting.
    pub(crate) pause: Duration,
}

impl Cost {
    /// When growing has caught up with staying: nothing changes until the consumers are there, nothing is done during
    /// the pause, and only then a partition of the largest share has a larger part of a consumer. `None` for never.
    pub(crate) fn pays_back_after(self, counts: &Counts, from: u32, to: u32) -> Option<Duration> {
        let (before, after) = (counts.largest_share(from), counts.largest_share(to));
        let factor = (before > after).then(|| before as f64 / (before - after) as f64)?;
        Duration::try_from_secs_f64(self.start.as_secs_f64() + self.pause.as_secs_f64() * factor).ok()
    }

    /// Growing pays if the present count, at full speed, would keep its arrears beyond the target and beyond the time
    /// at which growing pays back.
    pub(crate) fn is_worth_it(self, load: &Load, counts: &Counts, from: u32, to: u32, target: Duration) -> bool {
        self.pays_back_after(counts, from, to).is_some_and(|time| {
            load.of_share(counts.largest_share(from), time.max(target), f64::INFINITY) > load.capacity
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn a_step_that_changes_little_pays_back_late() {
        let counts = Counts::new(12, &Settings::default()).unwrap();
        let cost = Cost { start: Duration::from_secs(20), pause: Duration::from_secs(2) };
        let seconds = |from, to| cost.pays_back_after(&counts, from, to).map(|time| time.as_secs_f64());
        assert_eq!(seconds(1, 2), Some(24.0));
        assert_eq!(seconds(6, 12), Some(24.0));
        assert_eq!(seconds(3, 4), Some(28.0));
        assert_eq!(seconds(4, 4), None);
    }
}
