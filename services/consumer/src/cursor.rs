//! Whether a partition's records come as a log's must: each above the one before it.
//!
//! The client moves its own position past what it handed out when a batch ends. A rebalance in that moment makes it
//! hand part of the batch out again, and an error in a batch makes it move past a record that never came.

/// What to do with the next record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is the next one.
    Take,
    /// It was taken before.
    Drop,
    /// One before it, at this offset, was announced by an error and has not come: go back there.
    Rewind(i64),
    /// The log has other records now than those that were read: it was cut or made anew.
    Fell,
}

/// How far a partition was read in this assignment.
#[derive(Debug, Default)]
pub struct Cursor {
    last: Option<i64>,
    newest_ms: i64,
    /// The batch that is being read, and where it began.
    batch: u64,
    batch_begin: i64,
    /// Where an error stood in a record's place.
    failed: Option<i64>,
    /// The batch of which nothing more is taken.
    skipped: Option<u64>,
}

impl Cursor {
    /// Notes an error in the place of the record at `offset`.
    pub fn failed_at(&mut self, offset: i64) {
        if offset >= 0 && self.last.is_none_or(|last| last < offset) {
            self.failed.get_or_insert(offset);
        }
    }

    /// The offset to read on from, if that is known.
    #[must_use]
    pub fn next(&self) -> Option<i64> {
        self.last.map(|last| last + 1).or(self.failed)
    }

    /// Places a record that came in the `batch`th batch.
    pub fn step(&mut self, batch: u64, offset: i64, timestamp_ms: i64) -> Step {
        if self.skipped == Some(batch) {
            return Step::Drop;
        }
        if let Some(failed) = self.failed.take().filter(|failed| *failed < offset) {
            self.skipped = Some(batch);
            return Step::Rewind(failed);
        }
        match self.last {
            // A record that took the place of one that was lost was sent after all that were read.
            Some(last) if offset <= last && offset >= self.batch_begin && timestamp_ms <= self.newest_ms => {
                return Step::Drop;
            }
            Some(last) if offset <= last => return Step::Fell,
            None | Some(_) => {}
        }
        if self.last.is_none() || self.batch != batch {
            (self.batch, self.batch_begin) = (batch, offset);
        }
        (self.last, self.newest_ms) = (Some(offset), self.newest_ms.max(timestamp_ms));
        Step::Take
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cursor that has read offsets 100 to 109 in its first batch and 110 to 119 in its second.
    fn cursor() -> Cursor {
        let mut cursor = Cursor::default();
        for offset in 100..120 {
            assert_eq!(cursor.step(u64::from(offset >= 110), offset, offset), Step::Take);
        }
        cursor
    }

    #[test]
    fn gaps_are_no_matter() {
        assert_eq!(cursor().step(2, 150, 150), Step::Take);
    }

    #[test]
    fn what_comes_again_is_dropped() {
        let mut cursor = cursor();
        for offset in 110..120 {
            assert_eq!(cursor.step(2, offset, offset), Step::Drop);
        }
        assert_eq!(cursor.step(2, 120, 120), Step::Take);
    }

    #[test]
    fn a_log_that_fell_back_is_noticed() {
        assert_eq!(cursor().step(2, 0, 0), Step::Fell);
        assert_eq!(cursor().step(2, 115, 500), Step::Fell, "another record in its place");
    }

    #[test]
    fn a_record_that_an_error_hid_is_fetched_again() {
        let mut cursor = cursor();
        cursor.failed_at(120);
        assert_eq!(cursor.step(2, 121, 121), Step::Rewind(120));
        assert_eq!(cursor.step(2, 122, 122), Step::Drop, "the rest of that batch comes again");
        assert_eq!(cursor.step(3, 120, 120), Step::Take);
        assert_eq!(cursor.step(3, 121, 121), Step::Take);
    }

    #[test]
    fn an_error_in_the_place_of_no_record_is_no_matter() {
        let mut cursor = cursor();
        cursor.failed_at(120);
        assert_eq!(cursor.step(2, 122, 122), Step::Rewind(120));
        assert_eq!(cursor.step(3, 122, 122), Step::Take, "the log has none at 120 and 121");
        cursor.failed_at(123);
        assert_eq!(cursor.step(4, 123, 123), Step::Take, "it came after all");
    }
}
