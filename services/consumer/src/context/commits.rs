//! What the member commits, and what it finds committed.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::commit_metadata::{CommitMetadata, now_ms};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};

use super::{ANSWER_TIMEOUT, Context};
use crate::assignment::Drained;
use crate::commit::{Commit, commit_within};
use crate::handler::Handler;
use crate::partition::Partition;
use crate::rights::Resource;

/// So long a member that lags behind its group's epoch waits before it commits again.
const STALE_WAIT: Duration = Duration::from_millis(100);

/// A commit whose answer does not come is forgotten after this time.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// A broker that does not know the group for so long has forgotten it, such as one whose disk was lost. The client
/// does not notice by itself and would work on for ever without a commit.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// A commit on its way.
pub(super) struct Committing {
    commit: Commit,
    offsets: Vec<(i32, i64)>,
    since: Instant,
}

/// Offset and metadata of partitions that have a committed offset.
pub(super) type Committed = BTreeMap<i32, (Option<i64>, Option<CommitMetadata>)>;

impl<H: Handler> Context<H> {
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
                self.rights.granted(Resource::Group);
                self.is_commit_refused.store(false, Ordering::Relaxed);
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

    pub(super) fn commit_drained(&self, consumer: &BaseConsumer<Self>, drained: &Drained) {
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

    /// What is committed for partitions that came: offset and metadata, where there is any.
    pub(super) fn read_committed(&self, consumer: &BaseConsumer<Self>, ids: &[i32]) -> Committed {
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
                self.note_refusal(&error);
                tracing::warn!("committed offsets of partitions {ids:?} are not known: {error}");
                Committed::new()
            }
        }
    }

    /// Commits the same offsets again in this member's name: from now on it is the owner.
    pub(super) fn announce(&self, consumer: &BaseConsumer<Self>, committed: &Committed) {
        let offsets = self.offsets(committed.iter().filter_map(|(id, (offset, previous))| {
            let done_ms = previous.as_ref().and_then(|previous| previous.done_ms);
            let at_ms = now_ms();
            Some((
                *id,
                (*offset)?,
                CommitMetadata { member: self.settings.member.clone(), done_ms, at_ms, pause_ms: None },
            ))
        }));
        if offsets.count() > 0
            && let Err(error) = commit_within(consumer, &offsets, ANSWER_TIMEOUT)
        {
            self.commit_failed(&error);
        }
    }

    fn commit_failed(&self, error: &KafkaError) {
        self.metrics.committed(false);
        let is_refused = self.note_refusal(error);
        self.is_commit_refused.store(is_refused, Ordering::Relaxed);
        if is_refused {
            return;
        }
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
