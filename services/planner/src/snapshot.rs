//! What is known of a group at one moment.

use crate::Rate;
use std::time::Duration;

/// One reading of a group's partitions of one topic. Whatever could not be read is `None`: unknown is not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// When it was read, in milliseconds since 1970.
    pub at_ms: u64,
    /// Every partition, at the position of its number. Empty where not even their count could be read.
    pub partitions: Vec<Partition>,
    /// What the partitions are called in sentences, by position; their numbers where it is empty.
    pub names: Vec<String>,
    /// Members that own partitions now. Asked only as long as there is no earlier plan.
    pub consumers: Option<u32>,
    /// What one consumer can do, learned or set; while it is unknown the plain lag threshold answers.
    pub capacity: Option<Rate>,
    /// How long a rebalance keeps a moved partition waiting, as measured.
    pub rebalance_pause: Option<Duration>,
}

/// One partition's load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Partition {
    /// Arrivals, smoothed over some seconds.
    pub rate: Option<Rate>,
    /// Records in the log that the group has not committed.
    pub backlog: Option<u64>,
}

impl Snapshot {
    /// Whether every partition's rate and backlog are known.
    pub(crate) fn is_complete(&self) -> bool {
        let known = |partition: &Partition| partition.rate.is_some() && partition.backlog.is_some();
        !self.partitions.is_empty() && self.partitions.iter().all(known)
    }

    /// How many partitions there are; 0 if unknown.
    pub(crate) fn partition_count(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }
}
