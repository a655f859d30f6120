//! How far a partition's work is done without a gap, while lanes finish out of order.

use std::collections::VecDeque;

/// The offsets of one partition that were handed out, and the point below which all work is done.
///
/// Only that point is ever committed: a record above it may be done, but one below is not.
#[derive(Debug)]
pub struct Watermark {
    /// Handed out and not below the watermark yet, in the order of their offsets.
    outstanding: VecDeque<Outstanding>,
    /// The next offset to be handed out, once one was.
    position: Option<i64>,
    /// The next offset to commit, once one is done.
    done: Option<i64>,
    /// Timestamp of the last record below `done`, in milliseconds since 1970.
    done_ms: Option<i64>,
}

#[derive(Debug)]
struct Outstanding {
    offset: i64,
    timestamp_ms: i64,
    lane: u32,
    heap_bytes: u32,
}

/// What a watermark rose over.
#[derive(Clone, Copy, Debug, Default)]
pub struct Done {
    /// Records.
    pub records: usize,
    /// What they held on the heap, in bytes.
    pub heap_bytes: usize,
}

impl Watermark {
    /// A partition whose committed offset is `committed` and whose last finished record is of `done_ms`.
    #[must_use]
    pub fn new(committed: Option<i64>, done_ms: Option<i64>) -> Self {
        Self { outstanding: VecDeque::new(), position: committed, done: committed, done_ms }
    }

    /// Notes a record that goes to a lane. Offsets come in rising order, with gaps where the log has them.
    pub fn handed_out(&mut self, offset: i64, timestamp_ms: i64, lane: u32, heap_bytes: usize) {
        let heap_bytes = u32::try_from(heap_bytes).unwrap_or(u32::MAX);
        self.outstanding.push_back(Outstanding { offset, timestamp_ms, lane, heap_bytes });
        self.position = Some(offset + 1);
    }

    /// Moves up over all that is done. `finished` tells the last offset a lane has finished: lanes are in
    /// order, so all that lane's earlier ones are too.
    pub fn advance(&mut self, finished: impl Fn(u32) -> i64) -> Done {
        let mut done = Done::default();
        while let Some(front) = self.outstanding.front() {
            if finished(front.lane) < front.offset {
                break;
            }
            (self.done, self.done_ms) = (Some(front.offset + 1), Some(front.timestamp_ms));
            done.records += 1;
            done.heap_bytes += front.heap_bytes as usize;
            self.outstanding.pop_front();
        }
        done
    }

    /// The next offset to be handed out; `None` before the first in a group that never committed.
    #[must_use]
    pub fn position(&self) -> Option<i64> {
        self.position
    }

    /// The offset to commit: everything below it is done.
    #[must_use]
    pub fn done(&self) -> Option<i64> {
        self.done
    }

    /// Timestamp of the last record below [`Watermark::done`], in milliseconds since 1970.
    #[must_use]
    pub fn done_ms(&self) -> Option<i64> {
        self.done_ms
    }

    /// Whether everything up to `offset` that was handed out is done.
    #[must_use]
    pub fn is_done_through(&self, offset: i64) -> bool {
        self.outstanding.front().is_none_or(|front| front.offset > offset)
    }

    /// How many records are handed out and not below the watermark.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.outstanding.len()
    }

    /// How many of them are not above `offset`.
    #[must_use]
    pub fn in_flight_through(&self, offset: i64) -> usize {
        self.outstanding.iter().take_while(|outstanding| outstanding.offset <= offset).count()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_stops_below_the_first_record_that_is_not_done() {
        let mut watermark = Watermark::new(Some(10), Some(1));
        for (offset, lane) in [(10, 0), (11, 1), (13, 0), (14, 1)] {
            watermark.handed_out(offset, offset * 100, lane, 1);
        }
        // Lane 1 is through; lane 0 has finished nothing.
        watermark.advance(|lane| if lane == 1 { 14 } else { -1 });
        assert_eq!((watermark.done(), watermark.done_ms(), watermark.in_flight()), (Some(10), Some(1), 4));
        watermark.advance(|lane| if lane == 1 { 14 } else { 10 });
        assert_eq!((watermark.done(), watermark.done_ms(), watermark.in_flight()), (Some(12), Some(1100), 2));
        assert!(watermark.is_done_through(12) && !watermark.is_done_through(13));
        watermark.advance(|lane| if lane == 1 { 14 } else { 13 });
        assert_eq!((watermark.done(), watermark.position(), watermark.in_flight()), (Some(15), Some(15), 0));
    }

    #[test]
    fn nothing_is_committed_before_anything_is_done() {
        let mut watermark = Watermark::new(None, None);
        watermark.handed_out(7, 700, 0, 0);
        watermark.advance(|_| -1);
        assert_eq!((watermark.done(), watermark.position()), (None, Some(8)));
    }

    proptest! {
        /// Whatever the interleaving, the watermark is the first unfinished offset, and it never falls.
        #[test]
        fn it_is_the_first_unfinished_offset(
            gaps in prop::collection::vec(1..4_i64, 1..200),
            lanes in 1..6_u32,
            steps in prop::collection::vec((any::<prop::sample::Index>(), 1..20_usize), 0..300),
        ) {
            let mut watermark = Watermark::new(None, None);
            let mut queues = vec![Vec::new(); lanes as usize];
            let mut unfinished = BTreeSet::new();
            let mut offset = 0;
            for (i, gap) in gaps.iter().enumerate() {
                offset += gap;
                let lane = (i as u32).wrapping_mul(2_654_435_761) % lanes;
                watermark.handed_out(offset, offset, lane, 3);
                queues[lane as usize].push(offset);
                unfinished.insert(offset);
            }
            let mut finished = vec![-1; lanes as usize];
            let mut last = None;
            let mut released = 0;
            for (which, count) in steps {
                let lane = which.index(lanes as usize);
                let count = count.min(queues[lane].len());
                for offset in queues[lane].drain(..count) {
                    unfinished.remove(&offset);
                    finished[lane] = offset;
                }
                let done = watermark.advance(|lane| finished[lane as usize]);
                let first = unfinished.first().copied();
                prop_assert!(watermark.done().is_none_or(|done| first.is_none_or(|first| done <= first)));
                prop_assert_eq!(watermark.is_done_through(offset), unfinished.is_empty());
                prop_assert!(watermark.done() >= last);
                released += done.heap_bytes;
                prop_assert_eq!(released, 3 * (gaps.len() - watermark.in_flight()));
                prop_assert_eq!(watermark.done_ms(), watermark.done().map(|done| done - 1));
                last = watermark.done();
            }
        }
    }
}
