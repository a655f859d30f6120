//! One partition: a queue of records that remembers when they came.

use crate::delays::Delays;
use std::collections::VecDeque;

/// Records are a fluid: amounts need not be whole.
#[derive(Default)]
pub(crate) struct Partition {
    /// When, and how many of those that came then are left.
    queue: VecDeque<(f64, f64)>,
    pub(crate) waiting: f64,
    pub(crate) arrived: f64,
    pub(crate) done: f64,
    pub(crate) committed: f64,
    /// When, as its member tells with the commit.
    pub(crate) committed_at: f64,
    /// Who has it, by the member's number.
    pub(crate) owner: Option<u32>,
    /// A rebalance keeps it waiting until then.
    pub(crate) paused_until: f64,
}

impl Partition {
    pub(crate) fn arrive(&mut self, now: f64, records: f64) {
        self.queue.push_back((now, records));
        self.waiting += records;
        self.arrived += records;
    }

    /// Its member commits what is done.
    pub(crate) fn commit(&mut self, now: f64) {
        (self.committed, self.committed_at) = (self.done, now);
    }

    /// Does the oldest `records`.
    pub(crate) fn work(&mut self, now: f64, records: f64, delays: &mut Delays) {
        let mut left = records.min(self.waiting);
        self.waiting -= left;
        self.done += left;
        while let Some((came, amount)) = self.queue.front_mut() {
            let taken = left.min(*amount);
            if taken > 0.0 {
                delays.add(now - *came, taken);
            }
            *amount -= taken;
            left -= taken;
            if *amount > 1e-9 {
                break;
            }
            self.queue.pop_front();
        }
    }

    /// Counts whoever still waits with the delay they have by now.
    pub(crate) fn leave(&self, now: f64, delays: &mut Delays) {
        for (came, amount) in &self.queue {
            delays.add(now - came, *amount);
        }
    }

    /// Records in the log that are not committed.
    pub(crate) fn lag(&self) -> u64 {
        (self.arrived - self.committed).max(0.0).round() as u64
    }
}
