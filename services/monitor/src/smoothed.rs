//! Rates that do not jump with every batch and commit.

use planner::Rate;

/// Seconds after which a change shows to two thirds.
const SMOOTHING: f64 = 3.0;

/// A rate, smoothed exponentially over time; the first measurement counts in full.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Smoothed {
    last: Option<(u64, u64)>,
    per_second: Option<f64>,
}

impl Smoothed {
    /// Takes a count that only ever rises, as it is at a time. One that fell, or a time that did not pass, begins anew.
    pub(crate) fn note(&mut self, at_ms: u64, count: u64) {
        let before = self.last.replace((at_ms, count));
        let Some((then_ms, then)) = before else { return };
        if count < then || at_ms < then_ms {
            self.per_second = None;
            return;
        }
        let seconds = (at_ms - then_ms) as f64 / 1000.0;
        if seconds == 0.0 {
            self.last = before;
            return;
        }
        let measured = (count - then) as f64 / seconds;
        let weight = 1.0 - (-seconds / SMOOTHING).exp();
        self.per_second = Some(self.per_second.map_or(measured, |rate| rate + weight * (measured - rate)));
    }

    /// The rate; unknown until two counts are known.
    pub(crate) fn rate(&self) -> Option<Rate> {
        self.per_second.and_then(Rate::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(counts: &[(u64, u64)]) -> Option<f64> {
        let mut smoothed = Smoothed::default();
        counts.iter().for_each(|(at_ms, count)| smoothed.note(*at_ms, *count));
        smoothed.rate().map(Rate::per_second)
    }

    #[test]
    fn one_count_is_no_rate() {
        assert_eq!(rate(&[(0, 100)]), None);
        assert_eq!(rate(&[(0, 100), (0, 300)]), None, "no time has passed");
        assert_eq!(rate(&[(0, 100), (2000, 300)]), Some(100.0));
    }

    #[test]
    fn a_change_shows_within_seconds_and_not_at_once() {
        let steady = [(0, 0), (2000, 200)];
        let after_two = rate(&[steady.as_slice(), &[(4000, 2200)]].concat()).unwrap();
        assert!((500.0..700.0).contains(&after_two), "{after_two}");
        let counts: Vec<_> = (2..8).map(|round| (round * 2000, 200 + (round - 1) * 2000)).collect();
        let after_ten = rate(&[steady.as_slice(), &counts].concat()).unwrap();
        assert!((950.0..1000.0).contains(&after_ten), "{after_ten}");
    }

    #[test]
    fn a_count_that_fell_is_another_count() {
        assert_eq!(rate(&[(0, 0), (2000, 200), (4000, 10)]), None);
        assert_eq!(rate(&[(0, 0), (2000, 200), (4000, 10), (6000, 30)]), Some(10.0));
    }
}
