//! How much of a partition may be in its lanes at a time, so that a hand-over stays short.

use std::time::{Duration, Instant};

/// What is in the lanes shall be done within this time. A hand-over finishes what lies below the highest
/// begun offset, and that is never more than what is in the lanes.
const HORIZON: Duration = Duration::from_millis(200);

/// The rate is measured over at least this time.
const MEASURE: Duration = Duration::from_millis(20);

/// The size to begin with, while the rate is not known.
const FIRST_SIZE: usize = 256;

/// A window that follows the rate at which work gets done.
#[derive(Debug)]
pub struct Window {
    size: usize,
    least: usize,
    most: usize,
    since: Instant,
    done: usize,
    was_full: bool,
}

impl Window {
    /// A window of at least `least` and at most `most` records.
    #[must_use]
    pub fn new(least: usize, most: usize, now: Instant) -> Self {
        let least = least.min(most);
        Self { size: FIRST_SIZE.clamp(least, most), least, most, since: now, done: 0, was_full: false }
    }

    /// So many records may be in the lanes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Notes that so many records were done, and whether more waited than the window let in.
    pub fn note(&mut self, done: usize, is_full: bool, now: Instant) {
        self.done += done;
        self.was_full |= is_full;
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed < MEASURE {
            return;
        }
        // A window that was never full says nothing about how fast the work could be.
        if self.was_full {
            let elapsed_us = elapsed.as_micros().max(1);
            let wanted = (self.done as u128 * HORIZON.as_micros()).div_ceil(elapsed_us);
            let wanted = usize::try_from(wanted).unwrap_or(self.most);
            self.size = wanted.clamp(self.size / 2, self.size * 2).clamp(self.least, self.most);
        }
        (self.since, self.done, self.was_full) = (now, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets work of so many records a second run for two seconds.
    fn size_at(rate: usize, is_full: bool) -> usize {
        let start = Instant::now();
        let mut window = Window::new(16, 4096, start);
        for tick in 1..=100_u32 {
            window.note(rate / 50, is_full, start + Duration::from_millis(20) * tick);
        }
        window.size()
    }

    #[test]
    fn it_holds_what_is_done_within_the_horizon() {
        assert_eq!(size_at(1_000, true), 200);
        assert_eq!(size_at(10_000, true), 2_000);
    }

    #[test]
    fn it_keeps_within_its_bounds() {
        assert_eq!(size_at(50, true), 16);
        assert_eq!(size_at(1_000_000, true), 4_096);
    }

    #[test]
    fn a_window_that_is_not_full_teaches_nothing() {
        assert_eq!(size_at(1_000, false), FIRST_SIZE);
    }
}
