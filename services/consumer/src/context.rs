//! What the client calls back: rebalances, errors, statistics. All on the thread that polls.

mod commits;
mod refusals;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::kafka::Connection;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{ClientContext, TopicPartitionList};

use crate::assignment::Assignment;
use crate::fetch::Fetch;
use crate::handler::Handler;
use crate::metrics::{Metrics, RebalanceKind};
use crate::rebalance::{self, Arrival};
use crate::rights::{Resource, Rights};

/// How long the broker may take to answer a commit or a question during a rebalance.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What the client's callbacks and the loop that polls share.
pub struct Context<H> {
    /// Whether brokers are reached.
    pub connection: Connection,
    /// Whether they let the member read.
    pub rights: Rights,
    settings: Settings,
    metrics: Metrics,
    has_joined: AtomicBool,
    is_commit_refused: AtomicBool,
    state: Mutex<State<H>>,
}

/// What the context needs to know of the settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The topic.
    pub topic: String,
    /// The group.
    pub group: String,
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
    committing: Option<commits::Committing>,
    /// Since when the broker answers commits as if it knew neither group nor member.
    unknown_since: Option<Instant>,
}

impl<H: Handler> Context<H> {
    /// A context for a member without partitions.
    #[must_use]
    pub fn new(settings: Settings, metrics: Metrics, assignment: Assignment<H>) -> Self {
        let state = State { assignment, fetch: None, arrivals: Vec::new(), committing: None, unknown_since: None };
        let (connection, has_joined) = (Connection::default(), AtomicBool::new(false));
        let rights = Rights::new(&settings.group, &settings.topic);
        let is_commit_refused = AtomicBool::default();
        Self { connection, rights, settings, metrics, has_joined, is_commit_refused, state: Mutex::new(state) }
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
        self.connection.problem().map_or(Ok(()), Err)?;
        self.rights.check()?;
        if self.is_member() { Ok(()) } else { Err("the group's coordinator has not answered yet".to_owned()) }
    }

    /// Whether the group knows this member. Without a partition nothing else shows it.
    fn is_member(&self) -> bool {
        self.has_joined.load(Ordering::Relaxed) || self.connection.has_coordinator()
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
        self.rights.granted(Resource::Group);
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

impl<H: Handler> ClientContext for Context<H> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.connection.log(level, facility, message);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.connection.statistics(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if !self.note_refusal(&error) {
            self.connection.error(&error, reason);
        }
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

fn ids(partitions: &TopicPartitionList) -> Vec<i32> {
    partitions.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
}
