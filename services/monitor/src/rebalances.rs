//! Who got which partition from whom, as round after round shows it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::members::Members;
use crate::partition::Partition;
use crate::reading::PartitionId;

/// So many are kept.
const KEPT: usize = 50;

/// What moves this soon after the last change belongs to it, unless members come or go meanwhile.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// The last rebalances of a group.
#[derive(Debug, Default)]
pub(crate) struct Rebalances {
    since_ms: Option<u64>,
    members: BTreeSet<String>,
    /// Who had each partition last. While nobody is told to have it, it is on its way.
    owners: BTreeMap<PartitionId, String>,
    kept: VecDeque<Rebalance>,
}

/// Partitions that moved together, and the members that came or went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rebalance {
    /// The round that saw its beginning, in milliseconds since 1970.
    pub at_ms: u64,
    /// The round that saw the last of it.
    pub until_ms: u64,
    /// Members that were not there before.
    pub joined: Vec<String>,
    /// Members that are not there any more.
    pub left: Vec<String>,
    /// What moved, in the order in which it was seen.
    pub moves: Vec<Move>,
}

/// Partitions that went from one member to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Move {
    /// Their topic.
    pub topic: String,
    /// Their numbers.
    pub partitions: Vec<i32>,
    /// Who had them; `None` if nobody was known to.
    pub from: Option<String>,
    /// Who has them now.
    pub to: String,
    /// How long the records of one of them waited at most; `None` until the new owner has told.
    pub pause_seconds: Option<f64>,
}

impl Rebalances {
    /// Takes a round in which everything could be read: one with gaps tells nobody's coming or going.
    pub(crate) fn note(&mut self, at_ms: u64, members: &Members, partitions: &BTreeMap<PartitionId, Partition>) {
        let names: BTreeSet<String> = members.iter().map(|member| member.name.clone()).collect();
        let before = std::mem::replace(&mut self.members, names);
        let mut moves = Vec::new();
        for (id, member) in members.owners().into_iter().filter(|(id, _)| partitions.contains_key(id)) {
            match self.owners.get(id) {
                Some(owner) if *owner == member.name => {}
                from => {
                    add(&mut moves, id, from.cloned(), &member.name);
                    self.owners.insert(id.clone(), member.name.clone());
                }
            }
        }
        // What the first round finds was so before.
        if self.since_ms.is_none() {
            self.since_ms = Some(at_ms);
            return;
        }
        let joined: Vec<_> = self.members.difference(&before).cloned().collect();
        let left: Vec<_> = before.difference(&self.members).cloned().collect();
        self.keep(Rebalance { at_ms, until_ms: at_ms, joined, left, moves });
        self.learn_pauses(partitions);
    }

    fn keep(&mut self, new: Rebalance) {
        let has_new_members = !new.joined.is_empty() || !new.left.is_empty();
        if new.moves.is_empty() && !has_new_members {
            return;
        }
        let under_way_ms = u64::try_from(UNDER_WAY.as_millis()).unwrap_or(u64::MAX);
        match self.kept.back_mut() {
            Some(last) if !has_new_members && new.at_ms.saturating_sub(last.until_ms) <= under_way_ms => {
                last.until_ms = new.at_ms;
                last.moves.extend(new.moves);
            }
            Some(_) | None => {
                if self.kept.len() == KEPT {
                    self.kept.pop_front();
                }
                self.kept.push_back(new);
            }
        }
    }

    /// The new owners tell the pause with their commits, which may come some rounds later.
    fn learn_pauses(&mut self, partitions: &BTreeMap<PartitionId, Partition>) {
        let Some(last) = self.kept.back_mut() else { return };
        for moved in &mut last.moves {
            for partition in &moved.partitions {
                let id = PartitionId { topic: Arc::from(moved.topic.as_str()), partition: *partition };
                let committed = partitions.get(&id).and_then(|its| its.standing().committed.as_ref());
                let told = committed.and_then(|committed| committed.metadata.as_ref());
                let pause_ms = told.filter(|told| told.member == moved.to).and_then(|told| told.pause_ms);
                let pause = pause_ms.map(|pause_ms| Duration::from_millis(pause_ms).as_secs_f64());
                moved.pause_seconds = moved.pause_seconds.into_iter().chain(pause).reduce(f64::max);
            }
        }
    }

    /// Since when they are known, in milliseconds since 1970.
    pub(crate) fn since_ms(&self) -> Option<u64> {
        self.since_ms
    }

    /// The newest first.
    pub(crate) fn newest_first(&self) -> Vec<Rebalance> {
        self.kept.iter().rev().cloned().collect()
    }
}

fn add(moves: &mut Vec<Move>, id: &PartitionId, from: Option<String>, to: &str) {
    let alike = |other: &&mut Move| *other.topic == *id.topic && other.from == from && other.to == to;
    match moves.iter_mut().find(alike) {
        Some(alike) => alike.partitions.push(id.partition),
        None => moves.push(Move {
            topic: id.topic.to_string(),
            partitions: vec![id.partition],
            from,
            to: to.to_owned(),
            pause_seconds: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::reading::{Committed, GroupReading, LogReading, ReadError};

    /// A round at a time in which each partition's last commit is by the member named.
    fn round(rebalances: &mut Rebalances, at_ms: u64, owners: &[(i32, &str)]) {
        let id = |partition| PartitionId { topic: "stocks".into(), partition };
        let committed =
            |member: &str| Committed::new(5, format!(r#"{{"member":"{member}","at":{at_ms},"pause":250}}"#).as_bytes());
        let offsets: HashMap<_, _> =
            owners.iter().map(|(partition, member)| (id(*partition), Ok(Some(committed(member))))).collect();
        let mut partitions: BTreeMap<PartitionId, Partition> = BTreeMap::new();
        for (partition, member) in owners {
            let its = partitions.entry(id(*partition)).or_default();
            its.observe(at_ms, Ok(LogReading { start: 0, end: 9 }), Ok(Some(committed(member))));
        }
        let reading = GroupReading { offsets: Ok(offsets), members: Err(ReadError::refused("untold")) };
        rebalances.note(at_ms, &Members::new(&reading), &partitions);
    }

    #[test]
    fn what_the_first_round_finds_is_no_rebalance_and_what_changes_later_is() {
        let mut rebalances = Rebalances::default();
        round(&mut rebalances, 1000, &[(0, "a"), (1, "a"), (2, "a")]);
        round(&mut rebalances, 3000, &[(0, "a"), (1, "a"), (2, "a")]);
        assert_eq!((rebalances.newest_first(), rebalances.since_ms()), (vec![], Some(1000)));
        round(&mut rebalances, 5000, &[(0, "a"), (1, "b"), (2, "b")]);
        let moved = Move {
            topic: "stocks".into(),
            partitions: vec![1, 2],
            from: Some("a".into()),
            to: "b".into(),
            pause_seconds: Some(0.25),
        };
        let expected =
            Rebalance { at_ms: 5000, until_ms: 5000, joined: vec!["b".into()], left: vec![], moves: vec![moved] };
        assert_eq!(rebalances.newest_first(), [expected]);
    }

    #[test]
    fn a_rebalance_lasts_until_nothing_moves_or_somebody_else_comes() {
        let mut rebalances = Rebalances::default();
        round(&mut rebalances, 1000, &[(0, "a"), (1, "a"), (2, "a")]);
        round(&mut rebalances, 2000, &[(0, "a"), (1, "b"), (2, "a")]);
        round(&mut rebalances, 4000, &[(0, "a"), (1, "b"), (2, "b")]);
        round(&mut rebalances, 5000, &[(0, "c"), (1, "b"), (2, "b")]);
        round(&mut rebalances, 9000, &[(0, "b"), (1, "b"), (2, "b")]);
        let told: Vec<_> =
            rebalances.newest_first().into_iter().map(|r| (r.at_ms, r.until_ms, r.joined, r.left)).collect();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = [
            (9000, 9000, names(&[]), names(&["c"])),
            (5000, 5000, names(&["c"]), names(&["a"])),
            (2000, 4000, names(&["b"]), names(&[])),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_partition_on_its_way_comes_from_who_had_it_last() {
        let mut rebalances = Rebalances::default();
        round(&mut rebalances, 1000, &[(0, "a"), (1, "a")]);
        round(&mut rebalances, 2000, &[(0, "a")]);
        assert!(rebalances.newest_first().is_empty(), "nobody has it yet");
        round(&mut rebalances, 3000, &[(0, "a"), (1, "b")]);
        assert_eq!(rebalances.newest_first()[0].moves[0].from.as_deref(), Some("a"));
    }

    #[test]
    fn the_oldest_go_first() {
        let mut rebalances = Rebalances::default();
        for at_ms in (0..200_000).step_by(1000) {
            round(&mut rebalances, at_ms, &[(0, if at_ms % 2000 == 0 { "a" } else { "b" })]);
        }
        let told = rebalances.newest_first();
        assert_eq!((told.len(), told[0].at_ms), (KEPT, 199_000));
    }
}
