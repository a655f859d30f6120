//! How far a partition's log had come, and when: from it follows when the record at an offset arrived.

use std::collections::VecDeque;

/// More samples than this are thinned out: the older they are the wider apart they may lie.
const SAMPLES: usize = 128;

/// Sampled ends of a log, as far back as the group is behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<Sample>,
}

/// At this time the log ended at this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    at_ms: u64,
    end: u64,
}

impl History {
    /// Notes the log's end as it is now. One that lies before the last one belongs to another log: the topic was made
    /// anew or lost records, and what was known of it is void.
    pub(crate) fn note(&mut self, at_ms: u64, end: u64) {
        if self.samples.back().is_some_and(|last| end < last.end || at_ms < last.at_ms) {
            self.samples.clear();
        }
        // Of a time without arrivals only its beginning and its end matter.
        let len = self.samples.len();
        if len >= 2 && self.samples.range(len - 2..).all(|sample| sample.end == end) {
            self.samples.pop_back();
        }
        self.samples.push_back(Sample { at_ms, end });
    }

    /// Notes an end the log had before all that is known.
    pub(crate) fn note_before(&mut self, at_ms: u64, end: u64) {
        if self.samples.front().is_none_or(|first| at_ms < first.at_ms && end <= first.end) {
            self.samples.push_front(Sample { at_ms, end });
        }
    }

    /// Forgets what is not needed to date offsets from `committed` on.
    pub(crate) fn trim(&mut self, committed: u64) {
        while self.samples.get(1).is_some_and(|second| second.end <= committed) {
            self.samples.pop_front();
        }
        if self.samples.len() > SAMPLES {
            // Every other one of the older half: what is near stays exact.
            let half = self.samples.len() / 2;
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index == 1 || index > half || index % 2 == 0
            });
        }
    }

    /// Whether it reaches back to a time when `offset` had not arrived.
    pub(crate) fn reaches(&self, offset: u64) -> bool {
        self.samples.front().is_some_and(|first| first.end <= offset)
    }

    /// When the record at `offset` arrived, as if arrivals between two samples came evenly. `done_ms` is the time of
    /// the record before it, where that is known. `None` if it has not arrived, or did before anything is known.
    pub(crate) fn arrival(&self, offset: u64, done_ms: Option<u64>) -> Option<u64> {
        let after = self.samples.iter().find(|sample| sample.end > offset)?;
        let sampled = self.samples.iter().rev().find(|sample| sample.end <= offset).copied();
        let done = done_ms.map(|at_ms| Sample { at_ms, end: offset });
        let before = sampled.into_iter().chain(done).max_by_key(|sample| sample.at_ms)?;
        let between_ms = after.at_ms.saturating_sub(before.at_ms) as f64;
        let (place, records) = (offset - before.end, after.end - before.end);
        // The middle of the record's own part of the time.
        let part = (place as f64 + 0.5) / records as f64;
        Some(before.at_ms.saturating_add((between_ms * part).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn history(samples: &[(u64, u64)]) -> History {
        let mut history = History::default();
        samples.iter().for_each(|(at_ms, end)| history.note(*at_ms, *end));
        history
    }

    #[test]
    fn arrivals_between_two_samples_came_evenly() {
        let history = history(&[(1000, 100), (3000, 200)]);
        assert_eq!(history.arrival(100, None), Some(1010));
        assert_eq!(history.arrival(150, None), Some(2010));
        assert_eq!(history.arrival(199, None), Some(2990));
        assert_eq!(history.arrival(200, None), None, "it has not arrived");
        assert_eq!(history.arrival(99, None), None, "it arrived before anything is known");
    }

    #[test]
    fn a_record_that_comes_after_a_long_silence_is_young() {
        let mut history = history(&[(1000, 5), (3000, 5), (600_000, 5), (602_000, 6)]);
        history.trim(5);
        assert_eq!(history.arrival(5, None), Some(601_000));
        assert_eq!(history.arrival(5, Some(900)), Some(601_000), "what was done long ago says nothing of it");
    }

    #[test]
    fn what_the_member_says_of_the_record_before_makes_it_exact() {
        let history = history(&[(1000, 100), (3000, 200)]);
        assert_eq!(history.arrival(150, Some(2800)), Some(2802), "the burst came late in the interval");
        assert_eq!(history.arrival(50, Some(400)), Some(406), "and reaches back before the first sample");
    }

    #[test]
    fn what_is_known_of_earlier_times_can_be_told_later() {
        let mut history = history(&[(60_000, 900)]);
        assert!(!history.reaches(300));
        for (at_ms, end) in [(50_000, 800), (30_000, 400), (0, 200)] {
            history.note_before(at_ms, end);
        }
        assert!(history.reaches(300));
        assert_eq!(history.arrival(600, None), Some(40_025));
    }

    #[test]
    fn another_log_under_the_same_name_is_not_mixed_up_with_the_old_one() {
        let history = history(&[(1000, 100), (3000, 200), (5000, 10)]);
        assert_eq!(history.arrival(5, None), None);
        assert_eq!(history.samples.len(), 1);
    }

    proptest! {
        #[test]
        fn a_long_backlog_is_dated_well_within_bounded_memory(rate in 1_u64..1000, behind in 1_u64..100_000) {
            let mut history = History::default();
            for round in 0..2000 {
                history.note(round * 2000, round * 2 * rate);
                history.trim((round * 2 * rate).saturating_sub(behind));
            }
            prop_assert!(history.samples.len() <= SAMPLES + 1);
            let end = 1999 * 2 * rate;
            let offset = end.saturating_sub(behind);
            let true_ms = offset as f64 / rate as f64 * 1000.0;
            let arrival_ms = history.arrival(offset, None).unwrap() as f64;
            prop_assert!((arrival_ms - true_ms).abs() <= 2001.0, "{} instead of {}", arrival_ms, true_ms);
        }

        #[test]
        fn an_earlier_offset_never_arrived_later(ends in prop::collection::vec(0_u64..50, 2..50)) {
            let mut history = History::default();
            let mut end = 0;
            for (round, more) in ends.iter().enumerate() {
                end += more;
                history.note(round as u64 * 1000, end);
            }
            let arrivals: Vec<_> = (0..end).filter_map(|offset| history.arrival(offset, None)).collect();
            prop_assert!(arrivals.is_sorted());
        }
    }
}
