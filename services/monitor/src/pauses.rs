//! What a rebalance costs, as members tell with their commits.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use common::commit_metadata::CommitMetadata;

use crate::reading::PartitionId;

/// So many of the last pauses are looked at.
const KEPT: usize = 31;

/// Pauses of partitions that moved. Their median is what to expect: a killed member's partitions wait far longer, for
/// its session to end, which no planned change has to.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    told: HashMap<PartitionId, (String, u64)>,
    last: VecDeque<u64>,
}

impl Pauses {
    /// Notes what a commit tells. A member repeats a pause with each commit: it counts once.
    pub(crate) fn note(&mut self, id: &PartitionId, metadata: &CommitMetadata) {
        let Some(pause_ms) = metadata.pause_ms else { return };
        let told = (metadata.member.clone(), pause_ms);
        if self.told.get(id) == Some(&told) {
            return;
        }
        self.told.insert(id.clone(), told);
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(pause_ms);
    }

    /// What the next one is expected to cost; unknown before the first.
    pub(crate) fn median(&self) -> Option<Duration> {
        let mut sorted: Vec<u64> = self.last.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_counts_once_and_a_kill_does_not_count_for_more() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.median(), None);
        for (partition, member, pause_ms) in
            [(0, "a", 300), (0, "a", 300), (0, "a", 300), (1, "b", 200), (1, "c", 5700), (2, "c", 400), (3, "c", 350)]
        {
            let id = PartitionId { topic: "stocks".into(), partition };
            let metadata = CommitMetadata { member: member.into(), done_ms: None, at_ms: 0, pause_ms: Some(pause_ms) };
            pauses.note(&id, &metadata);
        }
        assert_eq!(pauses.median(), Some(Duration::from_millis(350)));
    }
}
