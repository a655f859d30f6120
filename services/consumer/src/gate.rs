//! What of a partition's records may still begin, and what each lane has finished.

use std::sync::atomic::{AtomicI64, Ordering};

/// Every record may begin.
const OPEN: i64 = i64::MAX;

/// The limit is being decided.
const CLOSING: i64 = i64::MIN;

/// Shared by a partition and its lanes.
///
/// When a partition is given up, lanes stand at different offsets. To hand over without doing anything
/// twice, everything up to the highest offset that any lane has begun is finished, and nothing above it is begun.
#[derive(Debug)]
pub struct Gate {
    limit: AtomicI64,
    lanes: Box<[Progress]>,
}

/// One lane's progress, on a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Progress {
    begun: AtomicI64,
    finished: AtomicI64,
}

impl Gate {
    /// An open gate for so many lanes.
    #[must_use]
    pub fn new(lanes: u32) -> Self {
        let lanes = (0..lanes).map(|_| Progress { begun: AtomicI64::new(-1), finished: AtomicI64::new(-1) }).collect();
        Self { limit: AtomicI64::new(OPEN), lanes }
    }

    /// Called by a lane before it begins a record; if `false` it must not, nor any later one.
    #[must_use]
    pub fn begin(&self, lane: u32, offset: i64) -> bool {
        let Some(progress) = self.lanes.get(lane as usize) else {
            return false;
        };
        // Told first, asked second, both in one total order with `close`: either `close` sees this
        // offset and lets it through, or this lane sees that the gate closes.
        progress.begun.store(offset, Ordering::SeqCst);
        loop {
            match self.limit.load(Ordering::SeqCst) {
                CLOSING => std::hint::spin_loop(),
                limit => return offset <= limit,
            }
        }
    }

    /// Called by a lane when a record's work is done.
    pub fn finish(&self, lane: u32, offset: i64) {
        if let Some(progress) = self.lanes.get(lane as usize) {
            progress.finished.store(offset, Ordering::Release);
        }
    }

    /// The last offset a lane has finished, -1 before the first.
    #[must_use]
    pub fn finished(&self, lane: u32) -> i64 {
        self.lanes.get(lane as usize).map_or(-1, |progress| progress.finished.load(Ordering::Acquire))
    }

    /// Closes the gate; returns the last offset that may still begin.
    pub fn close(&self) -> i64 {
        self.limit.store(CLOSING, Ordering::SeqCst);
        let limit = self.lanes.iter().map(|progress| progress.begun.load(Ordering::SeqCst)).max().unwrap_or(-1);
        self.limit.store(limit, Ordering::SeqCst);
        limit
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_lies_below_the_highest_begun_offset_still_begins() {
        let gate = Gate::new(2);
        assert!(gate.begin(0, 5));
        assert!(gate.begin(1, 9));
        assert_eq!(gate.close(), 9);
        assert!(gate.begin(0, 8));
        assert!(!gate.begin(0, 10));
    }

    #[test]
    fn nothing_begins_above_the_limit_however_close_the_race() {
        for _ in 0..200 {
            let gate = Arc::new(Gate::new(4));
            let lanes: Vec<_> = (0..4_u32)
                .map(|lane| {
                    let gate = Arc::clone(&gate);
                    std::thread::spawn(move || {
                        // Lane 0 has offsets 0, 4, 8, …; lane 1 has 1, 5, 9, …
                        let last = (0..).map(|i| i * 4 + i64::from(lane)).take_while(|o| gate.begin(lane, *o)).last();
                        last.unwrap_or(-1)
                    })
                })
                .collect();
            let limit = gate.close();
            for (lane, last) in lanes.into_iter().enumerate() {
                let last = last.join().unwrap();
                assert!(last <= limit && last + 4 > limit, "lane {lane} ended at {last}, the limit is {limit}");
            }
        }
    }
}
