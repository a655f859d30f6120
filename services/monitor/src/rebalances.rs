//! Who got which partition from whom, as round after round shows it.

mod cause;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::members::Members;
use crate::partition::Partition;
use crate::reading::PartitionId;

pub use cause::Cause;

/// So many are kept.
const KEPT: usize = 50;

/// What moves this soon after the last change belongs to it, unless members come or go meanwhile.
const UNDER_WAY: Duration = Duration::from_secs(3);

/// No single one takes longer: what moves without an end is one after the other, and has to count as a storm.
const LONGEST: Duration = Duration::from_secs(10);

/// The last rebalances of a group.
#[derive(Debug, Default)]
pub(crate) struct Rebalances {
    since_ms: Option<u64>,
    /// Whether the broker described the members in the round before, or commits told of them.
    are_described: bool,
    /// Their names, by id: clients that were given no name of their own all have the same.
    members: BTreeMap<String, String>,
    /// Id and name of who had each partition last. While nobody is told to have it, it is on its way.
    owners: BTreeMap<PartitionId, (String, String)>,
    kept: VecDeque<Rebalance>,
    counts: BTreeMap<Cause, u64>,
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
        // The broker's ids are not those of commits: what changed from the one to the other cannot be told.
        let is_comparable = self.since_ms.is_some() && self.are_described == members.are_described;
        self.are_described = members.are_described;
        let ids = members.iter().map(|member| (member.id.clone(), member.name.clone())).collect();
        let before = std::mem::replace(&mut self.members, ids);
        if !is_comparable {
            self.owners.clear();
        }
        let mut moves = Vec::new();
        for (id, member) in members.owners().into_iter().filter(|(id, _)| partitions.contains_key(id)) {
            match self.owners.get(id) {
                Some((owner, _)) if *owner == member.id => {}
                from => {
                    add(&mut moves, id, from.map(|(_, name)| name.clone()), &member.name);
                    self.owners.insert(id.clone(), (member.id.clone(), member.name.clone()));
                }
            }
        }
        // What is found first was so before.
        if !is_comparable {
            self.since_ms.get_or_insert(at_ms);
            Cause::ALL.into_iter().for_each(|cause| _ = self.counts.entry(cause).or_default());
            return;
        }
        let joined = missing(&before, &self.members);
        let left = missing(&self.members, &before);
        self.keep(Rebalance { at_ms, until_ms: at_ms, joined, left, moves });
        self.learn_pauses(partitions);
    }

    fn keep(&mut self, new: Rebalance) {
        let has_new_members = !new.joined.is_empty() || !new.left.is_empty();
        if new.moves.is_empty() && !has_new_members {
            return;
        }
        let is_within = |since_ms, time| Duration::from_millis(new.at_ms.saturating_sub(since_ms)) <= time;
        let is_under_way = |last: &Rebalance| is_within(last.until_ms, UNDER_WAY) && is_within(last.at_ms, LONGEST);
        match self.kept.back_mut() {
            Some(last) if !has_new_members && is_under_way(last) => {
                last.until_ms = new.at_ms;
                last.moves.extend(new.moves);
            }
            Some(_) | None => {
                if self.kept.len() == KEPT {
                    self.kept.pop_front();
                }
                *self.counts.entry(Cause::of(&new)).or_default() += 1;
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

    /// How many there were by cause, of those that are not kept any more too; empty before the first round.
    pub(crate) fn counts(&self) -> &BTreeMap<Cause, u64> {
        &self.counts
    }

    /// The newest first.
    pub(crate) fn newest_first(&self) -> Vec<Rebalance> {
        self.kept.iter().rev().cloned().collect()
    }
}

/// The names of members that are in `all` and not in `some`.
fn missing(some: &BTreeMap<String, String>, all: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<_> =
        all.iter().filter(|(id, _)| !some.contains_key(*id)).map(|(_, name)| name.clone()).collect();
    names.sort();
    names
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
    use crate::reading::{Committed, GroupReading, LogReading, Member, ReadError};

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

    /// A round in which the broker describes members that all have the same name: of each its id and its partitions.
    fn described(rebalances: &mut Rebalances, at_ms: u64, members: &[(&str, &[i32])]) {
        let id = |partition: &i32| PartitionId { topic: "stocks".into(), partition: *partition };
        let member = |(member, partitions): &(&str, &[i32])| {
            let partitions = partitions.iter().map(id).collect();
            Member { name: "java".into(), id: (*member).into(), host: String::new(), partitions }
        };
        let all = members.iter().flat_map(|(_, partitions)| partitions.iter());
        let partitions = all.map(|partition| (id(partition), Partition::default())).collect();
        let members = Ok(members.iter().map(member).collect());
        let reading = GroupReading { offsets: Ok(HashMap::new()), members };
        rebalances.note(at_ms, &Members::new(&reading), &partitions);
    }

    /// How many joined, left, were replaced, were the same when partitions moved.
    fn counts(rebalances: &Rebalances) -> Vec<u64> {
        Cause::ALL.iter().filter_map(|cause| rebalances.counts().get(cause).copied()).collect()
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
        assert_eq!(counts(&rebalances), [1, 1, 1, 0]);
    }

    #[test]
    fn what_moves_in_every_round_is_more_than_one_rebalance() {
        let mut rebalances = Rebalances::default();
        for round in 0..=30 {
            let members: [(&str, &[i32]); 2] =
                if round % 2 == 0 { [("x", &[0, 1]), ("y", &[2])] } else { [("x", &[0]), ("y", &[1, 2])] };
            described(&mut rebalances, 1000 + round * 2000, &members);
        }
        let told: Vec<_> = rebalances.newest_first().iter().map(|r| (r.at_ms, r.until_ms, r.moves.len())).collect();
        let expected = [51_000, 39_000, 27_000, 15_000, 3000].map(|at_ms| (at_ms, at_ms + 10_000, 6));
        assert_eq!((told.as_slice(), counts(&rebalances)), (expected.as_slice(), vec![0, 0, 0, 5]));
    }

    #[test]
    fn members_of_one_name_are_told_apart() {
        let mut rebalances = Rebalances::default();
        assert!(counts(&rebalances).is_empty(), "nobody has looked yet");
        described(&mut rebalances, 1000, &[("x", &[0, 1])]);
        assert_eq!(counts(&rebalances), [0, 0, 0, 0]);
        described(&mut rebalances, 2000, &[("x", &[0]), ("y", &[1])]);
        described(&mut rebalances, 9000, &[("x", &[1]), ("y", &[0])]);
        described(&mut rebalances, 19_000, &[("y", &[0, 1])]);
        described(&mut rebalances, 29_000, &[("z", &[0, 1])]);
        assert_eq!(counts(&rebalances), [1, 1, 1, 1]);
        let first = &rebalances.newest_first()[3];
        assert_eq!((first.joined.as_slice(), first.moves[0].to.as_str()), (["java".to_owned()].as_slice(), "java"));
    }

    #[test]
    fn a_round_without_the_broker_s_description_is_no_rebalance() {
        let mut rebalances = Rebalances::default();
        described(&mut rebalances, 1000, &[("x", &[0]), ("y", &[1])]);
        round(&mut rebalances, 2000, &[(0, "java"), (1, "java")]);
        described(&mut rebalances, 3000, &[("x", &[0]), ("y", &[1])]);
        assert_eq!((counts(&rebalances), rebalances.since_ms()), (vec![0; 4], Some(1000)));
        described(&mut rebalances, 4000, &[("x", &[0, 1])]);
        assert_eq!(counts(&rebalances), [0, 1, 0, 0]);
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
        assert_eq!(counts(&rebalances).iter().sum::<u64>(), 199, "and still count");
    }
}
