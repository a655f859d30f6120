//! What is shown of the groups: by the API, the stream of events, the metrics, and to autoscalers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::commit_metadata::now_ms;
use planner::Plan;
use serde::Serialize;

use crate::decisions::Decision;
use crate::partition::ConditionCode;
use crate::reading::ErrorKind;
use crate::rebalances::{Cause, Rebalance};

/// Everything, as of the last round.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When it was read, in milliseconds since 1970; 0 before the first round.
    pub at_ms: u64,
    /// How many rounds there were.
    pub rounds: u64,
    /// Each group, in the order of `GROUPS`.
    pub groups: Vec<Arc<GroupView>>,
}

impl View {
    /// How long ago it was read.
    #[must_use]
    pub fn age(&self) -> Duration {
        let now_ms = u64::try_from(now_ms()).unwrap_or(0);
        Duration::from_millis(now_ms.saturating_sub(self.at_ms))
    }

    /// A group, by its name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Arc<GroupView>> {
        self.groups.iter().find(|group| group.group == name)
    }
}

/// A group. What is `None` is not known, which is never 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupView {
    /// Its name.
    pub group: String,
    /// When it was read, in milliseconds since 1970.
    pub at_ms: u64,
    /// Whether all of it could be read.
    pub up: bool,
    /// What could not.
    pub errors: Vec<ErrorView>,
    /// Records not committed.
    pub lag: Option<u64>,
    /// Age of the oldest of them.
    pub delay_seconds: Option<f64>,
    /// Its topics.
    pub topics: Vec<TopicView>,
    /// Its members.
    pub members: Vec<MemberView>,
    /// Whether the broker described the members; otherwise they are those who committed last.
    pub members_described: bool,
    /// Records per second one consumer can do, where that is known.
    pub capacity: Option<f64>,
    /// What a rebalance costs a partition that moves, as members measured it.
    pub rebalance_pause_seconds: Option<f64>,
    /// No update shall wait longer than this.
    pub target_delay_seconds: f64,
    /// How many consumers it needs, and why.
    pub plan: Plan,
    /// The last decisions, the newest first.
    #[serde(skip)]
    pub decisions: Vec<Decision>,
    /// The last rebalances, the newest first.
    #[serde(skip)]
    pub rebalances: Vec<Rebalance>,
    /// Since when those are known, in milliseconds since 1970.
    #[serde(skip)]
    pub rebalances_since_ms: Option<u64>,
    /// How many there were since then, by cause; empty before.
    #[serde(skip)]
    pub rebalance_counts: BTreeMap<Cause, u64>,
    /// How long partitions waited in all that moved since then; `None` where no member tells.
    #[serde(skip)]
    pub rebalance_pauses_total: Option<Duration>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ErrorView {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// What: `offsets`, a topic's name, or `TOPIC/PARTITION`.
    pub of: String,
    /// What the client or the broker said.
    pub reason: String,
}

/// A topic, as the group stands in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TopicView {
    /// Its name.
    pub topic: String,
    /// Records not committed.
    pub lag: Option<u64>,
    /// Age of the oldest of them.
    pub delay_seconds: Option<f64>,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionView>,
}

/// A partition, as the group stands in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartitionView {
    /// Its number.
    pub partition: i32,
    /// What there is to say of it.
    pub condition: ConditionCode,
    /// In words, where the condition is not `ok`.
    pub reason: Option<String>,
    /// Who has it.
    pub owner: Option<String>,
    /// Offset of its oldest record.
    pub start: Option<u64>,
    /// Offset its next record will have.
    pub end: Option<u64>,
    /// The next offset to be done.
    pub committed: Option<u64>,
    /// Records not committed.
    pub lag: Option<u64>,
    /// Age of the oldest of them.
    pub delay_seconds: Option<f64>,
    /// Records per second that arrive, smoothed.
    pub in_rate: Option<f64>,
    /// Records per second that are committed, smoothed.
    pub out_rate: Option<f64>,
}

/// A member of the group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberView {
    /// Its name: our consumers' `CLIENT_ID`, any other client's `client.id`.
    pub name: String,
    /// Where it connects from; empty if that is not known.
    pub host: String,
    /// What it has of the group's topics, as `TOPIC/PARTITION`.
    pub partitions: Vec<String>,
}

/// The short answer for autoscalers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Desired<'a> {
    /// The group.
    pub group: &'a str,
    /// How many consumers it needs.
    pub desired: u32,
    /// Why, as a code.
    pub reason: planner::Reason,
    /// Why, in one sentence.
    pub sentence: &'a str,
    /// When that was decided, in milliseconds since 1970.
    pub at_ms: u64,
}

impl GroupView {
    /// The short answer.
    ///
    /// # Errors
    /// Why there is none.
    pub fn desired(&self) -> Result<Desired<'_>, String> {
        match self.plan.replicas {
            Some(desired) => Ok(Desired {
                group: &self.group,
                desired,
                reason: self.plan.reason,
                sentence: &self.plan.sentence,
                at_ms: self.plan.at_ms,
            }),
            None => Err(format!("group {}: {}{}", self.group, self.plan.sentence, self.because())),
        }
    }

    /// The first thing that could not be read, to end a sentence with.
    #[must_use]
    pub fn because(&self) -> String {
        self.errors.first().map_or_else(String::new, |error| format!(" ({}: {})", error.of, error.reason))
    }
}

/// The sum of what is known of all; unknown if it is of any.
pub(crate) fn sum(lags: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    lags.into_iter().try_fold(0, |sum: u64, lag| Some(sum.saturating_add(lag?)))
}

/// The largest of what is known of all; unknown if it is of any.
pub(crate) fn largest(delays: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    delays.into_iter().try_fold(0.0, |largest: f64, delay| Some(largest.max(delay?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_of_one_is_unknown_of_all() {
        assert_eq!(sum([Some(1), Some(2)].into_iter()), Some(3));
        assert_eq!(sum([Some(1), None].into_iter()), None);
        assert_eq!(largest([Some(1.0), Some(3.0), Some(2.0)].into_iter()), Some(3.0));
        assert_eq!(largest([None, Some(3.0)].into_iter()), None);
    }
}
