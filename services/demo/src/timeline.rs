//! The rebalances of the story: what set each off, who got what from whom, and how long each partition paused.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{Event, What};
use crate::log_line::RebalanceKind;
use crate::wording::duration;

/// What set partitions in motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// A member came.
    Joined,
    /// A member was killed.
    Killed,
    /// A member left in good order.
    Left,
}

/// A change in the group and what followed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    /// When, in milliseconds since the story began.
    pub(crate) at_ms: u64,
    /// Whose coming or going it was.
    pub(crate) member: String,
    /// Which of them.
    pub(crate) cause: Cause,
    /// What each partition did, in the order in which they arrived.
    pub(crate) moves: Vec<Move>,
}

/// A partition that came to a new owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Move {
    /// The partition.
    pub(crate) partition: i32,
    /// When its new owner told of it, in milliseconds since the story began.
    pub(crate) at_ms: u64,
    /// Who had it before; `None` if nobody did.
    pub(crate) from: Option<String>,
    /// Who has it now.
    pub(crate) to: String,
    /// How long nobody worked on it while there was work, in milliseconds: what the new owner reports or, where that
    /// does not know who had it before, what was seen from outside.
    pub(crate) pause_ms: Option<u64>,
}

impl Change {
    /// When it began, or its last partition arrived.
    pub(crate) fn latest_ms(&self) -> u64 {
        self.moves.iter().map(|moved| moved.at_ms).fold(self.at_ms, u64::max)
    }

    /// Partitions that went the same way, each way with the move that paused longest.
    pub(crate) fn groups(&self) -> Vec<(Vec<i32>, &Move)> {
        let mut groups = Vec::<(Vec<i32>, &Move)>::new();
        for moved in &self.moves {
            match groups.iter_mut().find(|(_, other)| (&other.from, &other.to) == (&moved.from, &moved.to)) {
                Some((partitions, longest)) => {
                    partitions.push(moved.partition);
                    if moved.pause_ms > longest.pause_ms {
                        *longest = moved;
                    }
                }
                None => groups.push((vec![moved.partition], moved)),
            }
        }
        groups
    }

    /// `consumer-2 is killed`.
    #[must_use]
    pub(crate) fn title(&self) -> String {
        let happens = match self.cause {
            Cause::Joined => "joins",
            Cause::Killed => "is killed",
            Cause::Left => "leaves",
        };
        format!("{} {happens}", self.member)
    }
}

impl Move {
    /// `, paused 3.41 s`, or nothing where nothing had to wait.
    #[must_use]
    pub(crate) fn pause(&self) -> String {
        self.pause_ms.map_or_else(String::new, |pause| format!(", paused {}", duration(pause)))
    }
}

/// Where a partition was last, and since when it has been without an owner, in milliseconds.
#[derive(Clone, Debug)]
struct Whereabouts {
    member: String,
    free_since_ms: Option<u64>,
}

/// Draws the timeline from the events.
#[must_use]
pub(crate) fn timeline(events: &[Event]) -> Vec<Change> {
    let mut changes = Vec::<Change>::new();
    let mut places = BTreeMap::<i32, Whereabouts>::new();
    for Event { at_ms, what } in events {
        match what {
            What::Joins { member, .. } => changes.push(change(*at_ms, member, Cause::Joined)),
            What::Leaves { member, .. } => changes.push(change(*at_ms, member, Cause::Left)),
            What::Killed { member, .. } => {
                changes.push(change(*at_ms, member, Cause::Killed));
                let its = places.values_mut().filter(|place| place.member == *member);
                its.for_each(|place| place.free_since_ms = place.free_since_ms.or(Some(*at_ms)));
            }
            What::Rebalanced { member, rebalance } => match rebalance.kind {
                RebalanceKind::Revoked | RebalanceKind::Lost => {
                    let its = rebalance.partitions.iter().copied();
                    places
                        .extend(its.map(|p| (p, Whereabouts { member: member.clone(), free_since_ms: Some(*at_ms) })));
                }
                RebalanceKind::Assigned => {
                    for &partition in &rebalance.partitions {
                        let now = Whereabouts { member: member.clone(), free_since_ms: None };
                        let before = places.insert(partition, now);
                        let known = rebalance.previous.get(&partition).cloned();
                        let reported = rebalance.pauses_ms.get(&partition).copied();
                        let seen = before.as_ref().filter(|_| known.is_none()).and_then(|place| place.free_since_ms);
                        let from = known.or_else(|| before.map(|place| place.member));
                        let moved = Move {
                            partition,
                            at_ms: *at_ms,
                            to: member.clone(),
                            pause_ms: reported.or_else(|| seen.map(|since| at_ms.saturating_sub(since))),
                            from,
                        };
                        if let Some(change) = cause_of(&moved, &mut changes) {
                            change.moves.push(moved);
                        }
                    }
                }
            },
            What::Begins { .. }
            | What::Watching { .. }
            | What::Sending { .. }
            | What::Settled { .. }
            | What::Left { .. }
            | What::AllSent { .. }
            | What::AllProcessed
            | What::Stalled { .. }
            | What::Burst { .. }
            | What::Decided { .. }
            | What::Scales { .. }
            | What::Complaint { .. } => {}
        }
    }
    changes
}

/// The departure of who had it before, or the coming of who has nothing else yet, or whatever happened last.
fn cause_of<'a>(moved: &Move, changes: &'a mut [Change]) -> Option<&'a mut Change> {
    let is_departure = |change: &Change| match change.cause {
        Cause::Killed | Cause::Left => moved.from.as_ref() == Some(&change.member),
        Cause::Joined => false,
    };
    let is_arrival =
        |change: &Change| change.cause == Cause::Joined && change.member == moved.to && change.moves.is_empty();
    let last = changes.len().checked_sub(1)?;
    let at = changes.iter().rposition(is_departure).or_else(|| changes.iter().rposition(is_arrival)).unwrap_or(last);
    changes.get_mut(at)
}

fn change(at_ms: u64, member: &str, cause: Cause) -> Change {
    Change { at_ms, member: member.to_owned(), cause, moves: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_line::Rebalance;

    fn joins(at_ms: u64, member: &str) -> Event {
        Event { at_ms, what: What::Joins { member: member.into(), pid: 1 } }
    }

    fn rebalanced(at_ms: u64, member: &str, kind: RebalanceKind, partitions: &[i32]) -> Event {
        let rebalance = Rebalance { kind, partitions: partitions.into(), ..Rebalance::default() };
        Event { at_ms, what: What::Rebalanced { member: member.into(), rebalance } }
    }

    fn moved(at_ms: u64, partition: i32, from: Option<&str>, to: &str, pause_ms: Option<u64>) -> Move {
        Move { partition, at_ms, from: from.map(Into::into), to: to.into(), pause_ms }
    }

    #[test]
    fn a_hand_over_pauses_from_giving_back_to_getting() {
        let changes = timeline(&[
            joins(100, "a"),
            rebalanced(300, "a", RebalanceKind::Assigned, &[0, 1]),
            joins(1_000, "b"),
            rebalanced(1_200, "a", RebalanceKind::Revoked, &[1]),
            rebalanced(1_700, "b", RebalanceKind::Assigned, &[1]),
        ]);
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].moves, [moved(300, 0, None, "a", None), moved(300, 1, None, "a", None)]);
        assert_eq!((changes[1].member.as_str(), changes[1].cause), ("b", Cause::Joined));
        assert_eq!(changes[1].moves, [moved(1_700, 1, Some("a"), "b", Some(500))]);
    }

    #[test]
    fn partitions_that_go_the_same_way_are_one_group_with_the_longest_pause() {
        let moves = vec![
            moved(1, 0, Some("a"), "b", Some(80)),
            moved(1, 1, Some("a"), "c", None),
            moved(1, 2, Some("a"), "b", Some(90)),
        ];
        let change = Change { moves, ..change(0, "a", Cause::Left) };
        let groups: Vec<_> = change.groups().into_iter().map(|(all, longest)| (all, longest.pause_ms)).collect();
        assert_eq!(groups, [(vec![0, 2], Some(90)), (vec![1], None)]);
    }

    #[test]
    fn what_a_killed_member_had_pauses_from_the_kill_whoever_has_come_since() {
        let killed = What::Killed {
            member: "a".into(),
            pid: 1,
            symbol: "GOOGL".into(),
            partition: 1,
            in_flight: 3,
            committed: BTreeMap::new(),
        };
        let changes = timeline(&[
            joins(0, "a"),
            rebalanced(10, "a", RebalanceKind::Assigned, &[1]),
            Event { at_ms: 1_000, what: killed },
            joins(2_000, "c"),
            rebalanced(4_400, "b", RebalanceKind::Assigned, &[1]),
        ]);
        assert_eq!(changes[1].cause, Cause::Killed);
        assert_eq!(changes[1].moves, [moved(4_400, 1, Some("a"), "b", Some(3_400))]);
    }

    #[test]
    fn what_a_newcomer_gets_first_it_gets_for_its_coming_though_others_came_since() {
        let changes = timeline(&[
            joins(0, "a"),
            rebalanced(10, "a", RebalanceKind::Assigned, &[0, 1, 2]),
            joins(1_000, "b"),
            joins(2_000, "c"),
            rebalanced(2_100, "b", RebalanceKind::Assigned, &[2]),
            rebalanced(2_500, "b", RebalanceKind::Assigned, &[1]),
            rebalanced(2_600, "c", RebalanceKind::Assigned, &[2]),
        ]);
        let moved: Vec<Vec<_>> =
            changes.iter().map(|change| change.moves.iter().map(|moved| moved.partition).collect()).collect();
        assert_eq!(moved, [vec![0, 1, 2], vec![2], vec![1, 2]]);
    }

    #[test]
    fn what_the_new_owner_reports_counts_before_what_is_seen() {
        let mut assigned = rebalanced(1_700, "b", RebalanceKind::Assigned, &[1]);
        if let What::Rebalanced { rebalance, .. } = &mut assigned.what {
            rebalance.previous.insert(1, "z".into());
            rebalance.pauses_ms.insert(1, 480);
        }
        let changes = timeline(&[joins(0, "b"), rebalanced(1_200, "a", RebalanceKind::Revoked, &[1]), assigned]);
        assert_eq!(changes[0].moves, [moved(1_700, 1, Some("z"), "b", Some(480))]);
    }
}
