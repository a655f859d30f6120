//! Who has which partition, and what each member gets done.

use std::collections::BTreeMap;

use planner::Stint;

use crate::partition::Partition;
use crate::reading::{GroupReading, Member, PartitionId};

/// The members of a group, as the broker describes them, or else as their commits tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members {
    members: Vec<Member>,
    /// Whether the broker described them: then who is missing here is gone.
    pub(crate) are_described: bool,
}

/// What a member has done, at one moment.
#[derive(Clone, Debug, PartialEq)]
struct Work {
    partitions: Vec<PartitionId>,
    /// The last time it committed, where it says so; otherwise when that was read.
    at_ms: u64,
    /// Sum of its partitions' committed offsets.
    committed: u64,
    /// Sum of their lags.
    backlog: u64,
}

/// Each member's work at the last round, by its id.
#[derive(Debug, Default)]
pub(crate) struct Workbook(BTreeMap<String, Work>);

impl Members {
    /// Of what was read of a group.
    pub(crate) fn new(reading: &GroupReading) -> Self {
        match &reading.members {
            Ok(members) => {
                let mut members = members.clone();
                members.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
                Self { members, are_described: true }
            }
            Err(_) => Self { members: from_commits(reading), are_described: false },
        }
    }

    /// All of them, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Each partition's owner.
    pub(crate) fn owners(&self) -> BTreeMap<&PartitionId, &Member> {
        self.members.iter().flat_map(|member| member.partitions.iter().map(move |id| (id, member))).collect()
    }

    /// How many have a partition of those given.
    pub(crate) fn working(&self, is_ours: impl Fn(&PartitionId) -> bool) -> u32 {
        let working = self.members.iter().filter(|member| member.partitions.iter().any(&is_ours)).count();
        u32::try_from(working).unwrap_or(u32::MAX)
    }
}

/// The last to commit a partition has it, as far as commits tell.
fn from_commits(reading: &GroupReading) -> Vec<Member> {
    let mut members: BTreeMap<&str, Vec<PartitionId>> = BTreeMap::new();
    for (id, committed) in reading.offsets.iter().flatten() {
        if let Ok(Some(committed)) = committed
            && let Some(metadata) = &committed.metadata
        {
            members.entry(&metadata.member).or_default().push(id.clone());
        }
    }
    let member = |(name, mut partitions): (&str, Vec<PartitionId>)| {
        partitions.sort();
        Member { name: name.to_owned(), id: name.to_owned(), host: String::new(), partitions }
    };
    members.into_iter().map(member).collect()
}

impl Workbook {
    /// Takes where each member stands now, and passes on what it did since the round before, if it had the same
    /// partitions then and all of them are known.
    pub(crate) fn learn(
        &mut self,
        now_ms: u64,
        members: &Members,
        partitions: &BTreeMap<PartitionId, Partition>,
        learn: impl FnOnce(&[Stint<'_>]),
    ) {
        let work = |member: &Member| Some((member.id.clone(), Work::of(member, now_ms, partitions)?));
        let now: BTreeMap<String, Work> = members.iter().filter_map(work).collect();
        let before = std::mem::replace(&mut self.0, now);
        let stints: Vec<_> = self
            .0
            .iter()
            .filter_map(|(id, now)| before.get(id).filter(|before| before.partitions == now.partitions)?.stint(id, now))
            .collect();
        learn(&stints);
    }
}

impl Work {
    fn of(member: &Member, now_ms: u64, partitions: &BTreeMap<PartitionId, Partition>) -> Option<Self> {
        let mut work = Self { partitions: member.partitions.clone(), at_ms: 0, committed: 0, backlog: 0 };
        work.partitions.sort();
        for id in &member.partitions {
            let standing = partitions.get(id)?.standing();
            work.backlog += standing.lag?;
            let Some(committed) = &standing.committed else { continue };
            work.committed += committed.offset;
            let at_ms = committed.metadata.as_ref().and_then(|metadata| u64::try_from(metadata.at_ms).ok());
            work.at_ms = work.at_ms.max(at_ms.unwrap_or(now_ms));
        }
        (!work.partitions.is_empty()).then_some(work)
    }

    fn stint<'a>(&self, consumer: &'a str, now: &Self) -> Option<Stint<'a>> {
        Some(Stint {
            consumer,
            from_ms: self.at_ms,
            to_ms: now.at_ms,
            done: now.committed.checked_sub(self.committed)?,
            backlog_before: self.backlog,
            backlog_after: now.backlog,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::reading::{Committed, LogReading, ReadError};

    fn id(partition: i32) -> PartitionId {
        PartitionId { topic: "stocks".into(), partition }
    }

    fn committed(member: &str, offset: u64, at_ms: u64) -> Committed {
        Committed::new(offset, format!(r#"{{"member":"{member}","at":{at_ms}}}"#).as_bytes())
    }

    fn by_commits(commits: &[(i32, Committed)]) -> Members {
        let offsets: HashMap<_, _> =
            commits.iter().map(|(partition, committed)| (id(*partition), Ok(Some(committed.clone())))).collect();
        Members::new(&GroupReading { offsets: Ok(offsets), members: Err(ReadError::refused("untold")) })
    }

    fn described(name: &str, partitions: &[i32]) -> Member {
        let partitions = partitions.iter().copied().map(id).collect();
        Member { name: name.into(), id: format!("{name}-1"), host: "/10.0.0.1".into(), partitions }
    }

    #[test]
    fn owners_come_from_commits_where_the_broker_does_not_tell() {
        let members = by_commits(&[(0, committed("a", 1, 5)), (1, committed("b", 1, 5)), (2, committed("a", 1, 5))]);
        let owner = |partition| members.owners()[&id(partition)].name.clone();
        assert_eq!((owner(0), owner(1), owner(2)), ("a".into(), "b".into(), "a".into()));
        assert_eq!(members.working(|_| true), 2);
    }

    #[test]
    fn who_the_broker_does_not_name_has_nothing_any_more() {
        let offsets = HashMap::from([(id(0), Ok(Some(committed("gone", 1, 5))))]);
        let members = vec![described("idle", &[])];
        let members = Members::new(&GroupReading { offsets: Ok(offsets), members: Ok(members) });
        assert!(members.owners().is_empty() && members.are_described);
        assert_eq!((members.iter().count(), members.working(|_| true)), (1, 0));
    }

    /// What is learned of one round after another, each with a member's partitions and their committed offsets.
    fn learned(rounds: &[(&[i32], u64, u64)]) -> Vec<Vec<(u64, u64, u64)>> {
        let mut workbook = Workbook::default();
        let mut partitions: BTreeMap<PartitionId, Partition> = (0..2).map(|p| (id(p), Partition::default())).collect();
        let mut learned = Vec::new();
        for (round, (owned, offset, at_ms)) in rounds.iter().enumerate() {
            let now_ms = round as u64 * 2000;
            for partition in partitions.values_mut() {
                let log = LogReading { start: 0, end: 1000 };
                partition.observe(now_ms, Ok(log), Ok(Some(committed("a", *offset, *at_ms))));
            }
            let members = Members { members: vec![described("a", owned)], are_described: true };
            workbook.learn(now_ms, &members, &partitions, |stints| {
                learned.push(stints.iter().map(|stint| (stint.from_ms, stint.to_ms, stint.done)).collect());
            });
        }
        learned
    }

    #[test]
    fn a_stint_lasts_from_commit_to_commit() {
        let stints = learned(&[(&[0, 1], 100, 1700), (&[0, 1], 150, 3800)]);
        assert_eq!(stints, [vec![], vec![(1700, 3800, 100)]]);
    }

    #[test]
    fn who_got_or_lost_a_partition_meanwhile_teaches_nothing() {
        assert_eq!(learned(&[(&[0], 100, 1700), (&[0, 1], 150, 3800)])[1], []);
        assert_eq!(learned(&[(&[0, 1], 100, 1700), (&[1], 150, 3800)])[1], []);
        assert_eq!(learned(&[(&[0], 100, 1700), (&[0], 50, 3800)])[1], [], "nor who went back");
    }
}
