//! A group: what is remembered of it from round to round, and what follows from each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use planner::{Capacity, Plan, Rate, Settings, Snapshot, plan};

use crate::decisions::Decisions;
use crate::groups::Watched;
use crate::members::{Members, Workbook};
use crate::partition::{Condition, Partition};
use crate::pauses::Pauses;
use crate::reading::{GroupReading, LogReading, PartitionId, ReadError, Round, TopicReading};
use crate::rebalances::Rebalances;
use crate::view::{ErrorView, GroupView, MemberView, PartitionView, TopicView, largest, sum};

/// A watched group.
#[derive(Debug)]
pub(crate) struct Group {
    watched: Watched,
    settings: Settings,
    partitions: BTreeMap<PartitionId, Partition>,
    members: Members,
    workbook: Workbook,
    capacity: Capacity,
    pauses: Pauses,
    errors: Vec<ErrorView>,
    plan: Option<Plan>,
    decisions: Decisions,
    rebalances: Rebalances,
}

impl Group {
    /// A group of which nothing is known yet.
    pub(crate) fn new(watched: Watched, settings: Settings) -> Self {
        Self {
            watched,
            settings,
            partitions: BTreeMap::new(),
            members: Members::default(),
            workbook: Workbook::default(),
            capacity: Capacity::default(),
            pauses: Pauses::default(),
            errors: Vec::new(),
            plan: None,
            decisions: Decisions::default(),
            rebalances: Rebalances::default(),
        }
    }

    /// Takes what a round read.
    pub(crate) fn observe(&mut self, round: &Round) {
        let unread = GroupReading {
            offsets: Err(ReadError::refused("it was not read")),
            members: Err(ReadError::refused("it was not read")),
        };
        let reading = round.groups.get(&self.watched.group).unwrap_or(&unread);
        self.errors.clear();
        if let Err(error) = &reading.offsets {
            self.errors.push(error_view(error, "offsets".to_owned()));
        }
        for topic in self.watched.topics.clone() {
            match round.topics.get(&topic) {
                Some(Ok(partitions)) => self.observe_topic(round.at_ms, &topic, partitions, reading),
                Some(Err(error)) => self.lose_topic(round.at_ms, &topic, error),
                None => self.lose_topic(round.at_ms, &topic, &ReadError::refused("it was not read")),
            }
        }
        self.members = Members::new(reading);
        // What the first whole round finds was so before.
        let is_news = self.rebalances.since_ms().is_some();
        for (id, partition) in &self.partitions {
            if let Some(metadata) = partition.standing().committed.as_ref().and_then(|c| c.metadata.as_ref()) {
                self.pauses.note(id, metadata, is_news);
            }
        }
        if self.is_up() {
            self.rebalances.note(round.at_ms, &self.members, &self.partitions);
        }
        let capacity = &mut self.capacity;
        self.workbook.learn(round.at_ms, &self.members, &self.partitions, |stints| capacity.observe(stints));
    }

    fn observe_topic(&mut self, at_ms: u64, topic: &Arc<str>, partitions: &TopicReading, reading: &GroupReading) {
        self.partitions.retain(|id, _| id.topic != *topic || partitions.contains_key(&id.partition));
        // A thousand partitions that fail alike are one thing to tell.
        let mut failed: HashMap<_, Vec<i32>> = HashMap::new();
        for (partition, log) in partitions {
            let id = PartitionId { topic: Arc::clone(topic), partition: *partition };
            let committed = match &reading.offsets {
                Ok(offsets) => offsets.get(&id).cloned().unwrap_or_else(|| Err(untold(log))),
                Err(error) => Err(error.clone()),
            };
            let error = log.as_ref().err().or(committed.as_ref().err().filter(|_| reading.offsets.is_ok()));
            if let Some(error) = error {
                failed.entry((error.kind, error.reason.clone())).or_default().push(*partition);
            }
            self.partitions.entry(id).or_default().observe(at_ms, log.clone(), committed);
        }
        let error_view = |((kind, reason), partitions): ((_, _), Vec<i32>)| {
            let of = match partitions.as_slice() {
                [partition] => format!("{topic}/{partition}"),
                several => format!("{topic}, {} partitions", several.len()),
            };
            ErrorView { kind, of, reason }
        };
        self.errors.extend(failed.into_iter().map(error_view));
    }

    /// The partitions it had last stay: they are unknown, not gone.
    fn lose_topic(&mut self, at_ms: u64, topic: &Arc<str>, error: &ReadError) {
        self.errors.push(error_view(error, topic.to_string()));
        for (_, partition) in self.partitions.iter_mut().filter(|(id, _)| id.topic == *topic) {
            partition.observe(at_ms, Err(error.clone()), Err(error.clone()));
        }
    }

    /// Partitions in which something waits of which it is not known since when.
    pub(crate) fn without_history(&self) -> Vec<PartitionId> {
        self.partitions.iter().filter(|(_, p)| p.lacks_history()).map(|(id, _)| id.clone()).collect()
    }

    /// Takes where a partition's log ended at earlier times, the latest first.
    pub(crate) fn remember(&mut self, id: &PartitionId, ends: impl IntoIterator<Item = (u64, u64)>, now_ms: u64) {
        if let Some(partition) = self.partitions.get_mut(id) {
            partition.remember(ends, now_ms);
        }
    }

    /// Decides how many consumers it needs, and shows everything.
    pub(crate) fn view(&mut self, at_ms: u64) -> GroupView {
        let snapshot = self.snapshot(at_ms);
        let plan = plan(&snapshot, self.plan.as_ref(), &self.settings);
        if let Some(decision) = self.decisions.note(&plan) {
            tracing::info!(group = self.watched.group, reason = decision.reason.code(), "{}", decision.sentence);
        }
        self.plan = Some(plan.clone());
        let topics: Vec<_> = self.watched.topics.iter().map(|topic| self.topic_view(topic)).collect();
        GroupView {
            group: self.watched.group.clone(),
            at_ms,
            up: self.is_up(),
            errors: self.errors.clone(),
            lag: sum(topics.iter().map(|topic| topic.lag)),
            delay_seconds: largest(topics.iter().map(|topic| topic.delay_seconds)),
            topics,
            members: self.members.iter().map(|member| self.member_view(member)).collect(),
            members_described: self.members.are_described,
            capacity: snapshot.capacity.map(Rate::per_second).or(self.settings.consumer_capacity),
            rebalance_pause_seconds: snapshot.rebalance_pause.map(|pause| pause.as_secs_f64()),
            target_delay_seconds: self.settings.target_delay.as_secs_f64(),
            plan,
            decisions: self.decisions.newest_first(),
            rebalances: self.rebalances.newest_first(),
            rebalances_since_ms: self.rebalances.since_ms(),
            rebalance_counts: self.rebalances.counts().clone(),
            rebalance_pauses_total: self.pauses.total(),
        }
    }

    /// Whether the last round could read all of it.
    fn is_up(&self) -> bool {
        self.errors.is_empty() && !self.partitions.is_empty()
    }

    /// The whole group as one: its members share the partitions of all its topics.
    fn snapshot(&self, at_ms: u64) -> Snapshot {
        let has_committed = self.partitions.values().any(|partition| partition.standing().committed.is_some());
        let is_whole = self.watched.topics.iter().all(|topic| self.partitions.keys().any(|id| id.topic == *topic));
        let load = |partition: &Partition| {
            let standing = partition.standing();
            let at_most = |log: LogReading| log.end - log.start;
            let backlog = match standing.condition {
                // Where the group works at all, whoever comes here next may have all of it to do.
                Condition::NeverCommitted if has_committed => standing.log.map(at_most),
                Condition::NeverCommitted
                | Condition::Ok
                | Condition::BelowStart
                | Condition::AboveEnd
                | Condition::Unread(_) => standing.lag,
            };
            planner::Partition { rate: standing.in_rate, backlog }
        };
        let has_several = self.watched.topics.len() > 1;
        let name = |id: &PartitionId| match has_several {
            true => format!("{}/{}", id.topic, id.partition),
            false => id.partition.to_string(),
        };
        Snapshot {
            at_ms,
            partitions: if is_whole { self.partitions.values().map(load).collect() } else { Vec::new() },
            names: self.partitions.keys().map(name).collect(),
            consumers: Some(self.members.working(|id| self.partitions.contains_key(id))),
            capacity: self.capacity.estimate(at_ms),
            rebalance_pause: self.pauses.median(),
        }
    }

    fn topic_view(&self, topic: &Arc<str>) -> TopicView {
        let owners = self.members.owners();
        let its = self.partitions.iter().filter(|(id, _)| id.topic == *topic);
        let partitions: Vec<_> =
            its.map(|(id, partition)| partition_view(id, partition, owners.get(id).map(|m| &m.name))).collect();
        let is_known = !partitions.is_empty();
        TopicView {
            topic: topic.to_string(),
            lag: sum(partitions.iter().map(|partition| partition.lag)).filter(|_| is_known),
            delay_seconds: largest(partitions.iter().map(|partition| partition.delay_seconds)).filter(|_| is_known),
            partitions,
        }
    }

    fn member_view(&self, member: &crate::reading::Member) -> MemberView {
        let ours = member.partitions.iter().filter(|id| self.partitions.contains_key(id));
        MemberView {
            name: member.name.clone(),
            host: member.host.trim_start_matches('/').to_owned(),
            partitions: ours.map(|id| format!("{}/{}", id.topic, id.partition)).collect(),
        }
    }
}

fn untold(log: &Result<LogReading, ReadError>) -> ReadError {
    log.clone().err().unwrap_or_else(|| ReadError::refused("the broker tells nothing of the group's offset"))
}

fn error_view(error: &ReadError, of: String) -> ErrorView {
    ErrorView { kind: error.kind, of, reason: error.reason.clone() }
}

fn partition_view(id: &PartitionId, partition: &Partition, owner: Option<&String>) -> PartitionView {
    let standing = partition.standing();
    PartitionView {
        partition: id.partition,
        condition: standing.condition.code(),
        reason: standing.condition.reason(),
        owner: owner.cloned(),
        start: standing.log.map(|log| log.start),
        end: standing.log.map(|log| log.end),
        committed: standing.committed.as_ref().map(|committed| committed.offset),
        lag: standing.lag,
        delay_seconds: standing.delay_ms.map(|delay_ms| Duration::from_millis(delay_ms).as_secs_f64()),
        in_rate: standing.in_rate.map(Rate::per_second),
        out_rate: standing.out_rate.map(Rate::per_second),
    }
}
