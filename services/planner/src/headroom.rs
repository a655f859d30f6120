//! Fewer consumers would do: for how long already.

use crate::counts::Counts;
use std::collections::VecDeque;
use std::time::Duration;

/// What was needed of late, and when the last step down was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Headroom {
    /// Time and count, for the time that must be looked back on: each entry stands also for the lower ones that came
    /// before it, so counts fall from the first to the last, and the first is the most that was needed.
    needs: VecDeque<(u64, u32)>,
    /// Since when there are readings without a gap.
    since_ms: Option<u64>,
    stepped_ms: Option<u64>,
}

impl Headroom {
    /// Notes what is needed at `at_ms`.
    pub(crate) fn note(&mut self, at_ms: u64, needed: u32, lasting: Duration) {
        if self.needs.back().is_some_and(|(then_ms, _)| elapsed(*then_ms, at_ms) > lasting) {
            self.forget();
        }
        self.since_ms.get_or_insert(at_ms);
        while self.needs.back().is_some_and(|(_, count)| *count <= needed) {
            self.needs.pop_back();
        }
        while self.needs.front().is_some_and(|(then_ms, _)| elapsed(*then_ms, at_ms) >= lasting) {
            self.needs.pop_front();
        }
        self.needs.push_back((at_ms, needed));
    }

    /// Readings were lost: headroom must be seen to last, from now on.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// For how long less than `count` has been needed.
    pub(crate) fn age(&self, at_ms: u64, count: u32) -> Duration {
        let busy = self.needs.iter().rev().find(|(_, needed)| *needed >= count).map(|(then_ms, _)| *then_ms);
        busy.or(self.since_ms).map_or(Duration::ZERO, |since_ms| elapsed(since_ms, at_ms))
    }

    /// The next step down from `count`, if headroom has lasted and the step before has had time to settle: to what was
    /// enough all the time, but at most to half.
    pub(crate) fn step(
        &mut self,
        at_ms: u64,
        count: u32,
        counts: &Counts,
        lasting: Duration,
        settling: Duration,
    ) -> Option<u32> {
        let most = self.needs.front().map(|(_, needed)| *needed)?;
        let settled = self.stepped_ms.is_none_or(|stepped_ms| elapsed(stepped_ms, at_ms) >= settling);
        (most < count && settled && self.age(at_ms, count) >= lasting).then(|| {
            self.stepped_ms = Some(at_ms);
            counts.at_least(most.max(count.div_ceil(2)))
        })
    }
}

fn elapsed(from_ms: u64, to_ms: u64) -> Duration {
    Duration::from_millis(to_ms.saturating_sub(from_ms))
}
