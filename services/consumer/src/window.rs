//! How much of a partition may be in its lanes at a time, so that a hand-over stays short.

use std::time::{Duration, Instant};

/// What is in the lanes shall be done within this time. A hand-over finishes what lies below the highest
/// begun offset, and that is never more than what is in the lanes.
const HORIZON: Duration = Duration::from_millis(200);

/// Fewer records than this tell a rate only if they are all of a whole horizon.
const FEW: usize = 4;

/// A window that follows the rate at which work gets done. It begins small, since nothing is known of the work then:
/// what was handed out cannot be called back.
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
    /// A window of `least` records, which never has more than `most`.
    #[must_use]
    pub fn new(least: usize, most: usize, now: Instant) -> Self {
        let least = least.min(most);
        Self { size: least, least, most, since: now, done: 0, was_full: false }
    }

    /// So many records may be in the lanes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Changes what it never falls below.
    pub fn set_least(&mut self, least: usize) {
        self.least = least.min(self.most);
        self.size = self.size.max(self.least);
    }

    /// Notes that so many records were done, and whether more waited than the window let in.
    pub fn note(&mut self, done: usize, is_full: bool, now: Instant) {
        self.done += done;
        self.was_full |= is_full;
        let elapsed = now.saturating_duration_since(self.since);
        // One that was done once over within less than the horizon is too small, and need not wait to grow.
        if self.done < FEW.max(self.size) && elapsed < HORIZON {
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

    const LEAST: usize = 16;
    const MOST: usize = 4096;
    const TICK: Duration = Duration::from_millis(1);

    /// Lets a window be looked at every millisecond, of work that gets so many records a second done as long as there
    /// are any in the lanes, and always more wait; returns its size after each.
    fn sizes(least: usize, rate: usize, ticks: usize) -> Vec<usize> {
        let start = Instant::now();
        let mut window = Window::new(least, MOST, start);
        let mut worked = 0;
        (1..=ticks)
            .map(|tick| {
                worked = (worked + rate).min(window.size() * 1000);
                let done = worked / 1000;
                worked -= done * 1000;
                window.note(done, true, start + TICK * u32::try_from(tick).unwrap());
                window.size()
            })
            .collect()
    }

    #[test]
    fn it_holds_what_is_done_within_the_horizon() {
        for rate in [100, 1_000, 10_000] {
            let settled = &sizes(LEAST, rate, 2_000)[1_000..];
            let expected = rate / 5;
            assert!(settled.iter().all(|size| size.abs_diff(expected) <= expected / 10), "{rate}/s: {settled:?}");
        }
    }

    #[test]
    fn slow_work_never_finds_much_more_in_the_lanes_than_it_does_within_the_horizon() {
        // One worker at 20 ms an update, for this partition alone and for three of them.
        assert!(sizes(2, 50, 2_000).iter().all(|size| *size <= 12), "{:?}", sizes(2, 50, 2_000));
        assert!(sizes(1, 17, 2_000).iter().all(|size| *size <= 5), "{:?}", sizes(1, 17, 2_000));
        // One worker at 100 ms, for twelve partitions.
        assert!(sizes(1, 1, 2_000).iter().all(|size| *size == 1), "{:?}", sizes(1, 1, 2_000));
    }

    #[test]
    fn quick_work_has_the_whole_window_within_a_moment() {
        let sizes = sizes(LEAST, 1_000_000, 300);
        assert!(sizes[299] == MOST && sizes[50] == MOST, "{sizes:?}");
    }

    #[test]
    fn it_keeps_within_its_bounds() {
        assert_eq!(sizes(LEAST, 5, 2_000).last(), Some(&LEAST));
        assert_eq!(sizes(LEAST, 10_000_000, 2_000).last(), Some(&MOST));
    }

    #[test]
    fn work_that_slows_down_makes_it_smaller_and_a_larger_share_makes_it_larger_at_once() {
        let start = Instant::now();
        let mut window = Window::new(1, MOST, start);
        window.set_least(MOST);
        assert_eq!(window.size(), MOST);
        window.set_least(2);
        for tick in 1..=12 {
            window.note(1, true, start + HORIZON * tick);
        }
        assert_eq!(window.size(), 2);
    }

    #[test]
    fn a_window_that_is_not_full_teaches_nothing() {
        let start = Instant::now();
        let mut window = Window::new(LEAST, MOST, start);
        for tick in 1..=100 {
            window.note(1_000, false, start + TICK * tick);
        }
        assert_eq!(window.size(), LEAST);
    }
}
