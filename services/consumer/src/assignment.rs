//! All partitions this member has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::runtime::Handle;

use crate::handler::Handler;
use crate::lane::Workshop;
use crate::partition::{Limits, Partition};
use crate::record::Record;

/// While what has begun is being finished, it is looked at this often.
const DRAIN_TICK: Duration = Duration::from_micros(500);

/// The partitions of one member. Belongs to the thread that polls.
#[derive(Debug)]
pub struct Assignment<H> {
    workshop: Arc<Workshop<H>>,
    runtime: Handle,
    limits: Limits,
    partitions: BTreeMap<i32, Partition>,
    /// How far this member had come with partitions that it had before.
    done_before: HashMap<i32, i64>,
}

/// A partition as `GET /assignment` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct PartitionView {
    /// The partition.
    pub partition: i32,
    /// The next offset to be handed out.
    pub position: Option<i64>,
    /// The next offset as it is committed.
    pub committed: Option<i64>,
    /// Records handed out whose offset cannot be committed yet.
    pub in_flight: usize,
    /// Whether it is paused because its work is behind.
    pub paused: bool,
}

/// How a hand-over ended.
#[derive(Debug)]
pub struct Drained {
    /// The partitions, with their work as far as it is done.
    pub partitions: BTreeMap<i32, Partition>,
    /// How long it took.
    pub took: Duration,
    /// Updates that were finished meanwhile.
    pub finished: usize,
    /// Updates that had begun and were not finished in time.
    pub abandoned: usize,
}

impl<H: Handler> Assignment<H> {
    /// No partition yet.
    #[must_use]
    pub fn new(workshop: Arc<Workshop<H>>, limits: Limits, runtime: Handle) -> Self {
        Self { workshop, runtime, limits, partitions: BTreeMap::new(), done_before: HashMap::new() }
    }

    /// A partition came, with the offset that is committed and the timestamp of the last record below it.
    pub fn add(&mut self, id: i32, committed: Option<i64>, done_ms: Option<i64>) {
        let count = self.partitions.len() + 1;
        let partition = Partition::begin(committed, done_ms, self.limits, count, &self.workshop, &self.runtime);
        self.workshop.metrics.partition_gained(id);
        if let Some(replaced) = self.partitions.insert(id, partition) {
            replaced.abort();
        }
    }

    /// Takes a record; returns whether its partition is full now.
    pub fn take(&mut self, id: i32, record: Record) -> bool {
        // A record of a partition that went is no longer this member's.
        let Some(partition) = self.partitions.get_mut(&id) else {
            return false;
        };
        if self.done_before.get(&id).is_some_and(|&done| record.offset() < done) {
            self.workshop.metrics.duplicate();
        }
        partition.take(record);
        if partition.is_full() {
            partition.advance();
        }
        partition.is_full()
    }

    /// Lets all that was handed out begin.
    pub fn flush(&mut self) {
        self.partitions.values_mut().for_each(Partition::flush);
    }

    /// Looks how far the work is done.
    pub fn advance(&mut self) {
        let busy = self.partitions.values().filter(|partition| partition.is_busy()).count();
        for partition in self.partitions.values_mut() {
            partition.shares_with(busy);
            partition.advance();
        }
    }

    /// Gives partitions up: finishes what has begun, and whatever lies below it, within `timeout`.
    ///
    /// Blocks the thread that polls, which keeps the client from giving the partitions away meanwhile.
    pub fn drain(&mut self, ids: &[i32], timeout: Duration) -> Drained {
        let begun = Instant::now();
        let mut partitions = self.remove(ids);
        let mut limits = BTreeMap::new();
        let mut finished = 0;
        for (id, partition) in &mut partitions {
            partition.advance();
            finished += partition.watermark().in_flight();
            limits.insert(*id, partition.close());
        }
        let is_drained = |partitions: &mut BTreeMap<i32, Partition>| {
            partitions.iter_mut().all(|(id, partition)| {
                partition.advance();
                limits.get(id).is_none_or(|limit| partition.watermark().is_done_through(*limit))
            })
        };
        while !is_drained(&mut partitions) && begun.elapsed() < timeout {
            std::thread::sleep(DRAIN_TICK);
        }
        let mut abandoned = 0;
        for (id, partition) in &partitions {
            partition.abort();
            finished -= partition.watermark().in_flight();
            if let Some(limit) = limits.get(id) {
                abandoned += partition.watermark().in_flight_through(*limit);
            }
        }
        self.forget(&partitions);
        Drained { partitions, took: begun.elapsed(), finished, abandoned }
    }

    /// Drops partitions that others have already; returns how many records of them were in flight.
    pub fn discard(&mut self, ids: &[i32]) -> usize {
        let mut partitions = self.remove(ids);
        partitions.values_mut().for_each(|partition| {
            partition.close();
            partition.advance();
            partition.abort();
        });
        self.forget(&partitions);
        partitions.values().map(|partition| partition.watermark().in_flight()).sum()
    }

    fn remove(&mut self, ids: &[i32]) -> BTreeMap<i32, Partition> {
        ids.iter().filter_map(|id| self.partitions.remove_entry(id)).collect()
    }

    fn forget(&mut self, partitions: &BTreeMap<i32, Partition>) {
        for (id, partition) in partitions {
            self.workshop.metrics.partition_gone(*id);
            if let Some(done) = partition.watermark().done() {
                self.done_before.insert(*id, done);
            }
        }
    }

    /// One of the partitions.
    pub fn get_mut(&mut self, id: i32) -> Option<&mut Partition> {
        self.partitions.get_mut(&id)
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (i32, &mut Partition)> {
        self.partitions.iter_mut().map(|(id, partition)| (*id, partition))
    }

    /// Which they are.
    #[must_use]
    pub fn ids(&self) -> Vec<i32> {
        self.partitions.keys().copied().collect()
    }

    /// How they stand.
    #[must_use]
    pub fn view(&self) -> Vec<PartitionView> {
        self.partitions
            .iter()
            .map(|(id, partition)| PartitionView {
                partition: *id,
                position: partition.watermark().position(),
                committed: partition.committed(),
                in_flight: partition.watermark().in_flight(),
                paused: partition.is_paused(),
            })
            .collect()
    }
}
