//! How a group stands in one partition.

use serde::Serialize;

use crate::history::History;
use crate::reading::{Committed, LogReading, ReadError};
use crate::smoothed::Smoothed;

/// What is remembered of a partition from round to round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partition {
    history: History,
    arrivals: Smoothed,
    work: Smoothed,
    standing: Standing,
    /// Whether the log was asked how far it had come before the first round.
    is_dated: bool,
}

/// What one round tells of a partition. What is `None` is not known.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standing {
    /// What there is to say of it.
    pub(crate) condition: Condition,
    /// Its log.
    pub(crate) log: Option<LogReading>,
    /// What the group committed.
    pub(crate) committed: Option<Committed>,
    /// Records not committed.
    pub(crate) lag: Option<u64>,
    /// Age of the oldest of them, in milliseconds; 0 if there are none.
    pub(crate) delay_ms: Option<u64>,
    /// Arrivals.
    pub(crate) in_rate: Option<planner::Rate>,
    /// Records committed.
    pub(crate) out_rate: Option<planner::Rate>,
}

/// What there is to say of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// All is known and as it should be.
    #[default]
    Ok,
    /// The group has never committed an offset here: where it would begin is its own affair.
    NeverCommitted,
    /// What was to be done next is not in the log any more: records expired before they were done.
    BelowStart,
    /// The committed offset lies beyond the log's end: the topic was made anew, or its end was lost.
    AboveEnd,
    /// It could not be read.
    Unread(ReadError),
}

/// A condition's code, as in JSON and in labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionCode {
    /// All is known and as it should be.
    Ok,
    /// The group has never committed an offset here.
    NeverCommitted,
    /// The committed offset lies before the log's start.
    BelowStart,
    /// The committed offset lies beyond the log's end.
    AboveEnd,
    /// It could not be read.
    Unread,
}

impl ConditionCode {
    /// The code, as in labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NeverCommitted => "never_committed",
            Self::BelowStart => "below_start",
            Self::AboveEnd => "above_end",
            Self::Unread => "unread",
        }
    }
}

impl Condition {
    /// Its code.
    pub(crate) fn code(&self) -> ConditionCode {
        match self {
            Self::Ok => ConditionCode::Ok,
            Self::NeverCommitted => ConditionCode::NeverCommitted,
            Self::BelowStart => ConditionCode::BelowStart,
            Self::AboveEnd => ConditionCode::AboveEnd,
            Self::Unread(_) => ConditionCode::Unread,
        }
    }

    /// In words, where there is something to say.
    pub(crate) fn reason(&self) -> Option<String> {
        match self {
            Self::Ok => None,
            Self::NeverCommitted => Some("the group has never committed an offset here".to_owned()),
            Self::BelowStart => Some("records expired before the group had done them".to_owned()),
            Self::AboveEnd => Some("the committed offset lies beyond the end of the log".to_owned()),
            Self::Unread(error) => Some(error.reason.clone()),
        }
    }
}

impl Partition {
    /// Takes what a round read of it.
    pub(crate) fn observe(
        &mut self,
        at_ms: u64,
        log: Result<LogReading, ReadError>,
        committed: Result<Option<Committed>, ReadError>,
    ) {
        self.standing = match (log, committed) {
            (Err(error), _) | (_, Err(error)) => {
                Standing { condition: Condition::Unread(error), ..Standing::default() }
            }
            (Ok(log), Ok(committed)) => self.stand(at_ms, log, committed),
        };
    }

    fn stand(&mut self, at_ms: u64, log: LogReading, committed: Option<Committed>) -> Standing {
        self.history.note(at_ms, log.end);
        self.arrivals.note(at_ms, log.end);
        let offset = committed.as_ref().map(|committed| committed.offset);
        match offset {
            Some(offset) => self.work.note(at_ms, offset),
            // It was forgotten with the topic it belonged to, or has expired.
            None => self.work = Smoothed::default(),
        }
        let (condition, lag) = match offset {
            // Where there is nothing, nothing waits, whoever was here or not.
            None => (Condition::NeverCommitted, (log.start == log.end).then_some(0)),
            Some(offset) if offset > log.end => (Condition::AboveEnd, None),
            Some(offset) if offset < log.start => (Condition::BelowStart, Some(log.end - log.start)),
            Some(offset) => (Condition::Ok, Some(log.end - offset)),
        };
        let mut standing = Standing {
            condition,
            log: Some(log),
            committed,
            lag,
            delay_ms: None,
            in_rate: self.arrivals.rate(),
            out_rate: self.work.rate(),
        };
        if let Some(next) = standing.next() {
            self.history.trim(next);
        }
        standing.delay_ms = self.delay_ms(&standing, at_ms);
        standing
    }

    fn delay_ms(&self, standing: &Standing, at_ms: u64) -> Option<u64> {
        if standing.lag? == 0 {
            return Some(0);
        }
        let done_ms = standing.committed.as_ref()?.metadata.as_ref().and_then(|metadata| metadata.done_ms);
        let done_ms = done_ms.and_then(|done_ms| u64::try_from(done_ms).ok());
        let arrival_ms = self.history.arrival(standing.next()?, done_ms)?;
        Some(at_ms.saturating_sub(arrival_ms))
    }

    /// Whether something waits of which it is not known since when, and the log has not been asked yet.
    pub(crate) fn lacks_history(&self) -> bool {
        let waits = self.standing.lag.is_some_and(|lag| lag > 0) && self.standing.delay_ms.is_none();
        !self.is_dated && waits && self.standing.next().is_some_and(|next| !self.history.reaches(next))
    }

    /// Takes where the log ended at times before all that is known, the latest first.
    pub(crate) fn remember(&mut self, ends: impl IntoIterator<Item = (u64, u64)>, now_ms: u64) {
        self.is_dated = true;
        ends.into_iter().for_each(|(at_ms, end)| self.history.note_before(at_ms, end));
        self.standing.delay_ms = self.delay_ms(&self.standing, now_ms);
    }

    /// What the last round told.
    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }
}

impl Standing {
    /// The next offset to be done, as far as the log still has it.
    fn next(&self) -> Option<u64> {
        Some(self.committed.as_ref()?.offset.max(self.log?.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(rounds: &[(u64, (u64, u64), Option<u64>)]) -> Standing {
        let mut partition = Partition::default();
        for (at_ms, (start, end), committed) in rounds {
            let committed = committed.map(|offset| Committed::new(offset, b""));
            partition.observe(*at_ms, Ok(LogReading { start: *start, end: *end }), Ok(committed));
        }
        partition.standing().clone()
    }

    #[test]
    fn lag_is_what_is_not_committed() {
        let standing = observed(&[(1000, (0, 100), Some(60))]);
        assert_eq!((standing.lag, standing.condition), (Some(40), Condition::Ok));
        let standing = observed(&[(1000, (0, 100), Some(100))]);
        assert_eq!((standing.lag, standing.delay_ms), (Some(0), Some(0)));
    }

    #[test]
    fn an_offset_outside_the_log_is_told_and_never_a_lag_below_zero() {
        let standing = observed(&[(1000, (50, 100), Some(20))]);
        assert_eq!((standing.lag, standing.condition), (Some(50), Condition::BelowStart));
        let standing = observed(&[(1000, (0, 10), Some(20))]);
        assert_eq!((standing.lag, standing.delay_ms, standing.condition), (None, None, Condition::AboveEnd));
    }

    #[test]
    fn a_group_that_never_committed_has_no_lag_unless_there_is_nothing() {
        let standing = observed(&[(1000, (0, 10), None)]);
        assert_eq!((standing.lag, standing.condition), (None, Condition::NeverCommitted));
        let standing = observed(&[(1000, (10, 10), None)]);
        assert_eq!((standing.lag, standing.condition), (Some(0), Condition::NeverCommitted));
    }

    #[test]
    fn what_could_not_be_read_is_not_known_and_not_remembered_as_the_last_time() {
        let mut partition = Partition::default();
        partition.observe(1000, Ok(LogReading { start: 0, end: 10 }), Ok(Some(Committed::new(4, b""))));
        let error = ReadError::refused("no");
        partition.observe(3000, Ok(LogReading { start: 0, end: 10 }), Err(error.clone()));
        assert_eq!(*partition.standing(), Standing { condition: Condition::Unread(error), ..Standing::default() });
        partition.observe(5000, Ok(LogReading { start: 0, end: 210 }), Ok(Some(Committed::new(204, b""))));
        let rate = partition.standing().in_rate.map(planner::Rate::per_second);
        assert_eq!(rate, Some(50.0), "the gap is part of the time");
    }

    #[test]
    fn delay_is_the_age_of_the_oldest_record_that_waits() {
        let standing = observed(&[(1000, (0, 0), Some(0)), (3000, (0, 200), Some(0)), (5000, (0, 400), Some(100))]);
        assert_eq!(standing.delay_ms, Some(2995), "the hundredth came at two seconds");
    }

    #[test]
    fn a_backlog_from_before_the_first_round_has_no_delay_until_the_log_tells() {
        let mut partition = Partition::default();
        partition.observe(60_000, Ok(LogReading { start: 0, end: 900 }), Ok(Some(Committed::new(300, b""))));
        assert_eq!(partition.standing().delay_ms, None);
        assert!(partition.lacks_history());
        partition.remember([(50_000, 800), (0, 200)], 60_000);
        let delay_ms = partition.standing().delay_ms.unwrap();
        assert!((51_000..52_000).contains(&delay_ms), "{delay_ms}");
        assert!(!partition.lacks_history());
    }
}
