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
    total: Option<Duration>,
}

impl Pauses {
    /// Notes what a commit tells. A member repeats a pause with each commit: it counts once, and in the total only if it
    /// is news, not of a time before anybody looked.
    pub(crate) fn note(&mut self, id: &PartitionId, metadata: &CommitMetadata, is_news: bool) {
        // Unknown is not zero: nothing is counted before there is news.
        let total = is_news.then(|| self.total.get_or_insert_default());
        let Some(pause_ms) = metadata.pause_ms else {
            // Whoever gets a partition begins with this: what it tells then is of this time, be it as long as the last.
            self.told.remove(id);
            return;
        };
        let told = (metadata.member.clone(), pause_ms);
        if self.told.get(id) == Some(&told) {
            return;
        }
        self.told.insert(id.clone(), told);
        if let Some(total) = total {
            *total += Duration::from_millis(pause_ms);
        }
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

    /// All of them together; unknown while no member tells, as other clients' never do.
    pub(crate) fn total(&self) -> Option<Duration> {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(pauses: &mut Pauses, (partition, member, pause_ms): (i32, &str, Option<u64>), is_news: bool) {
        let id = PartitionId { topic: "stocks".into(), partition };
        let metadata = CommitMetadata { member: member.into(), done_ms: None, at_ms: 0, pause_ms };
        pauses.note(&id, &metadata, is_news);
    }

    #[test]
    fn each_pause_counts_once_and_a_kill_does_not_count_for_more() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.median(), None);
        for (partition, member, pause_ms) in
            [(0, "a", 300), (0, "a", 300), (0, "a", 300), (1, "b", 200), (1, "c", 5700), (2, "c", 400), (3, "c", 350)]
        {
            note(&mut pauses, (partition, member, Some(pause_ms)), true);
        }
        assert_eq!(pauses.median(), Some(Duration::from_millis(350)));
        assert_eq!(pauses.total(), Some(Duration::from_millis(300 + 200 + 5700 + 400 + 350)));
    }

    #[test]
    fn who_gets_a_partition_again_may_have_waited_as_long_as_before() {
        let mut pauses = Pauses::default();
        for pause_ms in [Some(300), Some(300), None, Some(300)] {
            note(&mut pauses, (0, "a", pause_ms), true);
        }
        assert_eq!(pauses.total(), Some(Duration::from_millis(600)));
    }

    #[test]
    fn the_total_is_of_what_was_seen_and_unknown_where_nobody_tells() {
        let mut pauses = Pauses::default();
        assert_eq!(pauses.total(), None);
        note(&mut pauses, (0, "a", Some(300)), false);
        assert_eq!(pauses.total(), None, "what was before anybody looked is not known");
        note(&mut pauses, (0, "a", Some(300)), true);
        note(&mut pauses, (1, "a", None), true);
        assert_eq!(pauses.total(), Some(Duration::ZERO));
        note(&mut pauses, (0, "b", Some(250)), true);
        assert_eq!(pauses.total(), Some(Duration::from_millis(250)));
    }
}
