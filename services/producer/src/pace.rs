//! When updates are due, so that a rate is kept whatever one wait or one stall takes.

use std::time::{Duration, Instant};

/// A stall is made up for by at most this much: a broker that comes back is not met with a flood.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(1);

/// The shortest wait: at high rates several updates are due after each.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// A schedule: update `n` (from 0) is due `n / rate` seconds after the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Updates per second; 0 for no limit.
    rate: u32,
    start: Instant,
    sent: u64,
}

impl Pace {
    /// A schedule that starts now: its first update is due.
    pub(crate) fn new(rate: u32, now: Instant) -> Self {
        Self { rate, start: now, sent: 0 }
    }

    /// How many updates are due.
    pub(crate) fn due(&mut self, now: Instant) -> u64 {
        if self.rate == 0 {
            return u64::MAX;
        }
        let scheduled = self.scheduled(now.saturating_duration_since(self.start));
        let due = scheduled.saturating_sub(self.sent);
        let most = self.scheduled(LONGEST_CATCH_UP);
        if due > most {
            *self = Self { start: now.checked_sub(LONGEST_CATCH_UP).unwrap_or(now), sent: 0, ..*self };
        }
        due.min(most)
    }

    /// Notes that so many of those due are on their way.
    pub(crate) fn sent(&mut self, updates: u64) {
        self.sent = self.sent.saturating_add(updates);
    }

    /// How long until the next update is due, if none is.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        // Rounded up: an update is never due a nanosecond after the wait.
        let nanos = (u128::from(self.sent) * 1_000_000_000).div_ceil(u128::from(self.rate));
        let due = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        due.saturating_sub(now.saturating_duration_since(self.start)).max(SHORTEST_WAIT)
    }

    /// How many updates are due within `elapsed` of the start: the first one at once.
    fn scheduled(&self, elapsed: Duration) -> u64 {
        let updates = elapsed.as_nanos() * u128::from(self.rate) / 1_000_000_000;
        u64::try_from(updates).unwrap_or(u64::MAX).saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sends for `time`, waking as late as `late` says each time, and returns how many were sent.
    fn send(rate: u32, time: Duration, mut late: impl FnMut() -> Duration) -> u64 {
        let start = Instant::now();
        let (mut pace, mut now, mut total) = (Pace::new(rate, start), start, 0);
        while now < start + time {
            let due = pace.due(now);
            total += due;
            pace.sent(due);
            now += pace.wait(now) + late();
        }
        total
    }

    #[test]
    fn one_update_per_second_is_one_at_once_and_one_each_second() {
        assert_eq!(send(1, Duration::from_millis(10_500), || Duration::ZERO), 11);
    }

    #[test]
    fn a_long_stall_is_made_up_for_by_one_second_s_worth_only() {
        let start = Instant::now();
        let mut pace = Pace::new(1_000, start);
        assert_eq!(pace.due(start), 1);
        pace.sent(1);
        let later = start + Duration::from_secs(60);
        let due = pace.due(later);
        assert_eq!(due, 1_001);
        pace.sent(due);
        assert_eq!(pace.due(later), 0);
        assert_eq!(pace.due(later + Duration::from_secs(1)), 1_000);
    }

    #[test]
    fn without_a_rate_all_is_due() {
        let now = Instant::now();
        let mut pace = Pace::new(0, now);
        pace.sent(u64::MAX);
        assert_eq!((pace.due(now), pace.wait(now)), (u64::MAX, Duration::ZERO));
    }

    proptest! {
        #[test]
        fn the_rate_is_kept_however_late_each_wait_ends(rate in 1_u32..=10_000_000, late in 0_u64..20) {
            let total = send(rate, Duration::from_secs(10), || Duration::from_millis(late));
            // What the last wait slept over is all that can be missing.
            let missing = u64::from(rate) * (late + 2) / 1_000 + 1;
            let expected = u64::from(rate) * 10;
            prop_assert!((expected.saturating_sub(missing)..=expected + 1).contains(&total), "{}", total);
        }
    }
}
