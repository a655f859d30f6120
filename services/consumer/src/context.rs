//! What the client calls back: rebalances, commits, errors. All on the thread that polls.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::commit_metadata::CommitMetadata;
use common::kafka::Connection;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Offset, TopicPartitionList};

use crate::assignment::{Assignment, Drained};
use crate::commit::{Commit, commit_within};
use crate::fetch::Fetch;
use crate::handler::Handler;
use crate::metrics::{Metrics, RebalanceKind};
use crate::partition::Partition;
use crate::rebalance::{self, Arrival};

/// How long the broker may take to answer a commit or a question during a rebalance.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// So long a member that lags behind its group's epoch waits before it commits again.
const STALE_WAIT: Duration = Duration::from_millis(100);

/// A commit whose answer does not come is forgotten after this time.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// A broker that does not know the group for so long has forgotten it, such as one whose disk was lost. The client
/// does not notice by itself and would work on for ever without a commit.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// What the client's callbacks and the loop that polls share.
pub struct Context<H> {
    /// Whether brokers are reached.
    pub connection: Connection,
    settings: Settings,
    metrics: Metrics,
    has_joined: AtomicBool,
    state: Mutex<State<H>>,
}

/// What the context needs to know of the settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The topic.
    pub topic: String,
    /// The member's name.
    pub member: String,
    /// How long a hand-over may take to finish what has begun.
    pub drain_timeout: Duration,
}

/// What only the thread that polls touches.
pub struct State<H> {
    /// The partitions.
    pub assignment: Assignment<H>,
    /// Where their records come, until the member leaves.
    pub fetch: Option<Arc<Fetch>>,
    /// Partitions that came and whose first record has not.
    pub arrivals: Vec<Arrival>,
    /// The commit on its way. There is never more than one.
    committing: Option<Committing>,
    /// Since when the broker answers commits as if it knew neither group nor member.
    unknown_since: Option<Instant>,
}

struct Committing {
    commit: Commit,
    offsets: Vec<(i32, i64)>,
    since: Instant,
}

impl<H: Handler> Context<H> {
    /// A context for a member without partitions.
    #[must_use]
    pub fn new(settings: Settings, metrics: Metrics, assignment: Assignment<H>) -> Self {
        let state = State { assignment, fetch: None, arrivals: Vec::new(), committing: None, unknown_since: None };
        let (connection, has_joined) = (Connection::default(), AtomicBool::new(false));
        Self { connection, settings, metrics, has_joined, state: Mutex::new(state) }
    }

    /// The partitions. Never held while the client is polled: its callbacks need it.
    pub fn state(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the member cannot do its work at the moment.
    ///
    /// # Errors
    /// The reason.
    pub fn readiness(&self) -> Result<(), String> {
        match self.connection.problem() {
            Some(problem) => Err(problem),
            None if !self.is_member() => Err("the group's coordinator has not answered yet".to_owned()),
            None => Ok(()),
        }
    }

    /// Whether the group knows this member. Without a partition nothing else shows it.
    fn is_member(&self) -> bool {
        self.has_joined.load(Ordering::Relaxed) || self.connection.has_coordinator()
    }

    /// Sends what is done and not committed, unless the last such commit is not answered yet.
    pub fn commit(&self, consumer: &BaseConsumer<Self>) {
        let mut state = self.state();
        if state.committing.is_some() {
            return;
        }
        let mut offsets = Vec::new();
        let list = self.offsets(state.assignment.iter_mut().filter_map(|(id, partition)| {
            let offset = partition.uncommitted()?;
            offsets.push((id, offset));
            Some((id, offset, partition.metadata(&self.settings.member)))
        }));
        if offsets.is_empty() {
            return;
        }
        match Commit::send(consumer, &list) {
            Ok(commit) => state.committing = Some(Committing { commit, offsets, since: Instant::now() }),
            Err(error) => self.commit_failed(&error),
        }
    }

    /// Looks whether the commit on its way was answered.
    pub fn take_answer(&self) {
        let mut state = self.state();
        let Some(committing) = &state.committing else {
            return;
        };
        let answer = match committing.commit.answer(Duration::ZERO) {
            None if committing.since.elapsed() < COMMIT_TIMEOUT => return,
            None => Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::OperationTimedOut)),
            Some(answer) => answer,
        };
        let offsets = state.committing.take().map(|committing| committing.offsets).unwrap_or_default();
        match answer {
            Ok(()) => {
                for (id, offset) in offsets {
                    if let Some(partition) = state.assignment.get_mut(id) {
                        partition.set_committed(offset);
                    }
                }
                state.unknown_since = None;
                self.connection.answered();
                self.metrics.committed(true);
            }
            Err(error) => {
                self.commit_failed(&error);
                if is_unknown(&error) && state.unknown_since.get_or_insert_with(Instant::now).elapsed() > FORGOTTEN {
                    self.connection.fatal_error(&format!("the broker has forgotten the group or this member: {error}"));
                }
            }
        }
    }

    /// Ends what refers to the client, which is about to end.
    pub fn close(&self) {
        let mut state = self.state();
        (state.committing, state.fetch) = (None, None);
    }

    /// Gives partitions up: finishes what has begun, commits it, tells it.
    pub fn hand_over(&self, consumer: &BaseConsumer<Self>, ids: &[i32]) {
        let begun = Instant::now();
        let (drained, keeps) = {
            let mut state = self.state();
            state.arrivals.drain(..).for_each(|arrival| arrival.tell());
            (state.assignment.drain(ids, self.settings.drain_timeout), state.assignment.ids())
        };
        if drained.partitions.is_empty() {
            return;
        }
        self.metrics.drained(drained.took, drained.abandoned);
        self.commit_drained(consumer, &drained);
        self.metrics.rebalanced(RebalanceKind::Revoked);
        rebalance::tell_revoked(&drained, &keeps);
        self.kept_waiting(&keeps, begun);
    }

    fn commit_drained(&self, consumer: &BaseConsumer<Self>, drained: &Drained) {
        // Also what is committed already: the next owner reads from it when this one let go.
        let done = |(id, partition): (&i32, &Partition)| {
            Some((*id, partition.watermark().done()?, partition.metadata(&self.settings.member)))
        };
        let offsets = self.offsets(drained.partitions.iter().filter_map(done));
        if offsets.count() == 0 {
            return;
        }
        if self.connection.is_away() {
            tracing::warn!("Kafka is away: what was done since the last commit will be done again");
            return;
        }
        let begun = Instant::now();
        loop {
            match commit_within(consumer, &offsets, ANSWER_TIMEOUT.saturating_sub(begun.elapsed())) {
                Ok(()) => return self.metrics.committed(true),
                // Another member that left in this moment raised the group's epoch; this one will hear of it.
                Err(error) if is_stale(&error) && begun.elapsed() < ANSWER_TIMEOUT => std::thread::sleep(STALE_WAIT),
                Err(error) => return self.commit_failed(&error),
            }
        }
    }

    /// While the callback of a rebalance runs, nothing is handed out of the partitions that stay either.
    fn kept_waiting(&self, keeps: &[i32], begun: Instant) {
        for id in keeps {
            self.metrics.paused_by_rebalance(*id, begun.elapsed());
        }
    }

    fn lose(&self, ids: &[i32]) {
        let (in_flight, keeps) = {
            let mut state = self.state();
            state.arrivals.drain(..).for_each(|arrival| arrival.tell());
            (state.assignment.discard(ids), state.assignment.ids())
        };
        self.metrics.rebalanced(RebalanceKind::Lost);
        rebalance::tell_lost(ids, in_flight, &keeps);
    }

    fn receive(&self, consumer: &BaseConsumer<Self>, ids: &[i32]) {
        self.has_joined.store(true, Ordering::Relaxed);
        self.connection.answered();
        if ids.is_empty() {
            return;
        }
        let begun = Instant::now();
        let committed = self.read_committed(consumer, ids);
        // A pause outlives the assignment it was made in.
        let resumed = consumer.resume(&self.offsets_of(ids));
        if let Err(error) = resumed {
            tracing::warn!("partitions {ids:?} cannot be resumed: {error}");
        }
        self.announce(consumer, &committed);
        let mut state = self.state();
        let keeps = state.assignment.ids();
        let mut arrived = BTreeMap::new();
        for id in ids {
            let (offset, metadata) = committed.get(id).cloned().unwrap_or_default();
            state.assignment.add(*id, offset, metadata.as_ref().and_then(|metadata| metadata.done_ms));
            arrived.insert(*id, metadata);
        }
        state.unknown_since = None;
        state.arrivals.push(Arrival::new(arrived, keeps.clone()));
        drop(state);
        self.metrics.rebalanced(RebalanceKind::Assigned);
        self.kept_waiting(&keeps, begun);
    }

    /// What is committed for partitions that came: offset and metadata, where there is any.
    fn read_committed(&self, consumer: &BaseConsumer<Self>, ids: &[i32]) -> Committed {
        match consumer.committed_offsets(self.offsets_of(ids), ANSWER_TIMEOUT) {
            Ok(offsets) => offsets
                .elements()
                .iter()
                .filter_map(|element| match element.offset() {
                    Offset::Offset(offset) => {
                        Some((element.partition(), (Some(offset), CommitMetadata::decode(element.metadata()))))
                    }
                    Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
                })
                .collect(),
            Err(error) => {
                tracing::warn!("committed offsets of partitions {ids:?} are not known: {error}");
                Committed::new()
            }
        }
    }

    /// Commits the same offsets again in this member's name: from now on it is the owner.
    fn announce(&self, consumer: &BaseConsumer<Self>, committed: &Committed) {
        let offsets = self.offsets(committed.iter().filter_map(|(id, (offset, previous))| {
            let done_ms = previous.as_ref().and_then(|previous| previous.done_ms);
            let at_ms = common::commit_metadata::now_ms();
            Some((*id, (*offset)?, CommitMetadata { member: self.settings.member.clone(), done_ms, at_ms }))
        }));
        if offsets.count() > 0
            && let Err(error) = commit_within(consumer, &offsets, ANSWER_TIMEOUT)
        {
            self.commit_failed(&error);
        }
    }

    fn commit_failed(&self, error: &KafkaError) {
        self.metrics.committed(false);
        self.connection.complain(&format!("offsets were not committed, they will be with the next commit: {error}"));
    }

    fn offsets(&self, offsets: impl Iterator<Item = (i32, i64, CommitMetadata)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (id, offset, metadata) in offsets {
            let mut element = list.add_partition(&self.settings.topic, id);
            // An offset of a record is always a valid one.
            let _ = element.set_offset(Offset::Offset(offset));
            element.set_metadata(metadata.encode());
        }
        list
    }

    /// The topic that is read.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.settings.topic
    }

    /// A list of partitions without offsets.
    #[must_use]
    pub fn offsets_of(&self, ids: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for id in ids {
            list.add_partition(&self.settings.topic, *id);
        }
        list
    }
}

/// Offset and metadata of partitions that have a committed offset.
type Committed = BTreeMap<i32, (Option<i64>, Option<CommitMetadata>)>;

impl<H: Handler> ClientContext for Context<H> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.connection.log(level, facility, message);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.connection.statistics(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.connection.error(&error, reason);
    }
}

impl<H: Handler> ConsumerContext for Context<H> {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(partitions) if consumer.assignment_lost() => self.lose(&ids(partitions)),
            Rebalance::Revoke(partitions) => {
                // That is the coordinator's wish, so it is there.
                self.connection.answered();
                self.hand_over(consumer, &ids(partitions));
            }
            Rebalance::Error(error) => {
                tracing::warn!("the rebalance failed: {error}");
                let all = self.state().assignment.ids();
                self.lose(&all);
            }
            Rebalance::Assign(partitions) => {
                if let Some(fetch) = &self.state().fetch {
                    fetch.join(consumer, &ids(partitions));
                }
            }
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.receive(consumer, &ids(partitions)),
            Rebalance::Revoke(_) | Rebalance::Error(_) => {}
        }
    }
}

/// The member is one of the group, but has not heard of its last change.
fn is_stale(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::StaleMemberEpoch
                | RDKafkaErrorCode::RebalanceInProgress
                | RDKafkaErrorCode::IllegalGeneration
        )
    )
}

fn is_unknown(error: &KafkaError) -> bool {
    matches!(error.rdkafka_error_code(), Some(RDKafkaErrorCode::GroupIdNotFound | RDKafkaErrorCode::UnknownMemberId))
}

fn ids(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}
