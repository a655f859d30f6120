//! What one consumer can do, learned from what consumers do while they have more than enough to do.

use crate::Rate;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// A consumer is busy if at both ends of a stint it had work left for as long, at the pace of that stint. What is done
/// but not committed yet looks like backlog too, for about a second: this must be well above that.
const BUSY: Duration = Duration::from_secs(3);
/// Commits and batches come in jumps: a pace is taken over at least this long.
const SAMPLE: Duration = Duration::from_secs(6);
/// What is remembered.
const SAMPLES: usize = 240;
/// A sample weighs half as much as one that is younger by this, down to a floor. So the last minutes go before what
/// was earlier; and when nothing is new, all that is remembered weighs alike, and a bad quarter of an hour fades.
const HALF_LIFE: Duration = Duration::from_secs(120);
const LEAST_WEIGHT: f64 = 0.02;
/// Of the weighted samples this part is below the estimate: what holds a consumer up only ever makes it slower.
const QUANTILE: f64 = 0.75;

/// What one consumer did between two readings in which it had the same partitions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stint<'a> {
    /// Who.
    pub consumer: &'a str,
    /// From when, in milliseconds since 1970. Best the time of the commit, where members tell it.
    pub from_ms: u64,
    /// Until when.
    pub to_ms: u64,
    /// Records it committed meanwhile.
    pub done: u64,
    /// Records not committed in its partitions, at the beginning.
    pub backlog_before: u64,
    /// And at the end.
    pub backlog_after: u64,
}

/// Learns the capacity of one consumer: a weighted upper quartile of paces, each taken from one consumer that was busy
/// for some seconds without a break. Idle consumers, those whose partitions ran empty, those that did nothing at all,
/// and the first stint after a rebalance, which its pause is part of, teach nothing.
#[derive(Clone, Debug, Default)]
pub struct Capacity {
    runs: HashMap<String, Run>,
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    from_ms: u64,
    to_ms: u64,
    done: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at_ms: u64,
    /// Records per second.
    pace: f64,
}

impl Capacity {
    /// Learns from one round of readings: at most one stint of each consumer.
    pub fn observe(&mut self, stints: &[Stint<'_>]) {
        self.runs.retain(|name, _| stints.iter().any(|stint| stint.consumer == name));
        // Who has not committed since may still be at it: its run goes on with its next commit.
        for stint in stints.iter().filter(|stint| stint.to_ms > stint.from_ms) {
            match stint.extend(self.runs.remove(stint.consumer)) {
                Some(run) if run.seconds() >= SAMPLE.as_secs_f64() => self.remember(run),
                Some(run) => {
                    self.runs.insert(stint.consumer.to_owned(), run);
                }
                None => {}
            }
        }
    }

    /// Records per second one consumer can do, as far as known at `at_ms`.
    #[must_use]
    pub fn estimate(&self, at_ms: u64) -> Option<Rate> {
        let mut paces: Vec<(f64, f64)> =
            self.samples.iter().map(|sample| (sample.pace, sample.weight(at_ms))).collect();
        paces.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut left: f64 = paces.iter().map(|(_, weight)| weight).sum::<f64>() * QUANTILE;
        paces.into_iter().find_map(|(pace, weight)| {
            left -= weight;
            (left <= 0.0).then(|| Rate::new(pace)).flatten()
        })
    }

    fn remember(&mut self, run: Run) {
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at_ms: run.to_ms, pace: run.done as f64 / run.seconds() });
    }
}

impl Stint<'_> {
    /// The run this stint makes of `earlier`; `None` unless the consumer was busy.
    fn extend(&self, earlier: Option<Run>) -> Option<Run> {
        let alone = Run { from_ms: self.from_ms, to_ms: self.to_ms, done: self.done };
        let needed = alone.done as f64 / alone.seconds() * BUSY.as_secs_f64();
        let busy =
            self.done > 0 && alone.seconds() > 0.0 && self.backlog_before.min(self.backlog_after) as f64 >= needed;
        let run = match earlier {
            Some(run) if run.to_ms == self.from_ms => {
                Run { from_ms: run.from_ms, to_ms: self.to_ms, done: run.done.saturating_add(self.done) }
            }
            // The pause of a rebalance may reach into the first stint: the run begins at its end.
            Some(_) | None => Run { from_ms: self.to_ms, to_ms: self.to_ms, done: 0 },
        };
        busy.then_some(run)
    }
}

impl Run {
    fn seconds(self) -> f64 {
        Duration::from_millis(self.to_ms.saturating_sub(self.from_ms)).as_secs_f64()
    }
}

impl Sample {
    fn weight(self, at_ms: u64) -> f64 {
        let age = Duration::from_millis(at_ms.saturating_sub(self.at_ms)).as_secs_f64();
        0.5_f64.powf(age / HALF_LIFE.as_secs_f64()).max(LEAST_WEIGHT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP_MS: u64 = 2000;

    /// `rounds` readings from `at_ms` on, of one consumer at `pace` that always has `backlog`.
    fn work(capacity: &mut Capacity, consumer: &str, at_ms: u64, rounds: u64, pace: u64, backlog: u64) -> u64 {
        for round in 0..rounds {
            let from_ms = at_ms + round * STEP_MS;
            capacity.observe(&[Stint {
                consumer,
                from_ms,
                to_ms: from_ms + STEP_MS,
                done: pace * STEP_MS / 1000,
                backlog_before: backlog,
                backlog_after: backlog,
            }]);
        }
        at_ms + rounds * STEP_MS
    }

    fn estimate(capacity: &Capacity, at_ms: u64) -> Option<f64> {
        capacity.estimate(at_ms).map(Rate::per_second)
    }

    #[test]
    fn a_round_without_a_commit_does_not_break_a_run() {
        let mut capacity = Capacity::default();
        for round in 0..8 {
            let (from_ms, to_ms) = (round * 4000, round * 4000 + 4000);
            let stint = Stint {
                consumer: "slow-to-commit",
                from_ms,
                to_ms,
                done: 2000,
                backlog_before: 10_000,
                backlog_after: 10_000,
            };
            capacity.observe(&[stint]);
            capacity.observe(&[Stint { from_ms: to_ms, done: 0, ..stint }]);
        }
        assert_eq!(estimate(&capacity, 32_000), Some(500.0));
    }

    #[test]
    fn a_consumer_that_is_never_behind_teaches_nothing() {
        let mut capacity = Capacity::default();
        let end = work(&mut capacity, "idle", 0, 100, 0, 0);
        let end = work(&mut capacity, "up-to-date", end, 100, 300, 300);
        assert_eq!(estimate(&capacity, end), None);
    }

    #[test]
    fn a_consumer_that_does_nothing_though_it_is_behind_teaches_nothing() {
        let mut capacity = Capacity::default();
        let end = work(&mut capacity, "stuck", 0, 100, 0, 10_000);
        assert_eq!(estimate(&capacity, end), None);
    }

    #[test]
    fn a_busy_consumers_pace_is_known_after_four_readings() {
        let mut capacity = Capacity::default();
        let end = work(&mut capacity, "busy", 0, 3, 500, 10_000);
        assert_eq!(estimate(&capacity, end), None);
        let end = work(&mut capacity, "busy", end, 1, 500, 10_000);
        assert_eq!(estimate(&capacity, end), Some(500.0));
    }

    #[test]
    fn a_stint_in_which_the_partitions_ran_empty_breaks_the_run() {
        let mut capacity = Capacity::default();
        let mut at_ms = 0;
        for _ in 0..20 {
            at_ms = work(&mut capacity, "draining", at_ms, 3, 500, 10_000);
            let (from_ms, to_ms) = (at_ms, at_ms + STEP_MS);
            let (backlog_before, backlog_after) = (10_000, 0);
            capacity.observe(&[Stint {
                consumer: "draining",
                from_ms,
                to_ms,
                done: 240,
                backlog_before,
                backlog_after,
            }]);
            at_ms = to_ms;
        }
        assert_eq!(estimate(&capacity, at_ms), None);
    }

    #[test]
    fn the_pause_of_a_rebalance_is_no_measure_of_a_consumer() {
        let mut capacity = Capacity::default();
        let mut at_ms = 0;
        for _ in 0..20 {
            // Its partitions change, so a reading goes by without a stint; then most of one is pause.
            capacity.observe(&[]);
            at_ms = work(&mut capacity, "moved", at_ms + STEP_MS, 1, 100, 10_000);
            at_ms = work(&mut capacity, "moved", at_ms, 3, 500, 10_000);
        }
        assert_eq!(estimate(&capacity, at_ms), Some(500.0));
    }

    #[test]
    fn more_consumers_do_not_make_one_of_them_look_faster() {
        let mut capacity = Capacity::default();
        let stint = |consumer, from_ms| Stint {
            consumer,
            from_ms,
            to_ms: from_ms + STEP_MS,
            done: 1000,
            backlog_before: 9000,
            backlog_after: 9000,
        };
        for round in 0..10 {
            capacity.observe(&["a", "b", "c", "d"].map(|name| stint(name, round * STEP_MS)));
        }
        assert_eq!(estimate(&capacity, 20_000), Some(500.0));
    }

    #[test]
    fn a_few_hiccups_do_not_move_the_estimate() {
        let mut capacity = Capacity::default();
        let mut at_ms = 0;
        for _ in 0..10 {
            at_ms = work(&mut capacity, "busy", at_ms, 12, 500, 10_000);
            at_ms = work(&mut capacity, "busy", at_ms, 3, 40, 10_000);
        }
        assert_eq!(estimate(&capacity, at_ms), Some(500.0));
    }

    #[test]
    fn a_lasting_change_is_learned_within_minutes_and_a_passing_one_fades() {
        let mut capacity = Capacity::default();
        let end = work(&mut capacity, "busy", 0, 600, 500, 10_000);
        let slow = work(&mut capacity, "busy", end, 150, 100, 10_000);
        assert_eq!(estimate(&capacity, slow), Some(100.0));
        assert_eq!(estimate(&capacity, slow + 20 * 60_000), Some(500.0));
    }

    #[test]
    fn odd_numbers_and_a_clock_that_jumps_do_no_harm() {
        let mut capacity = Capacity::default();
        for (from_ms, to_ms) in [(0, u64::MAX), (u64::MAX, 0), (5, 5), (0, 10_000)] {
            let (done, backlog) = (u64::MAX, u64::MAX);
            let stint =
                Stint { consumer: "odd", from_ms, to_ms, done, backlog_before: backlog, backlog_after: backlog };
            capacity.observe(&[stint]);
            let _ = capacity.estimate(to_ms);
        }
    }
}
