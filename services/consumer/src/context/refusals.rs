//! What the broker refuses to let the member read, and whether it still does.

use std::sync::atomic::Ordering;
use std::time::Duration;

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::Context;
use crate::handler::Handler;
use crate::rights::Resource;

/// How long the broker may take to tell of the topic.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// A coordinator that refuses the group says so again within this time.
const GROUP_PATIENCE: Duration = Duration::from_secs(15);

impl<H: Handler> Context<H> {
    /// Notes a right that an error says is missing; returns whether it says so.
    pub fn note_refusal(&self, error: &KafkaError) -> bool {
        let refused = error.rdkafka_error_code().and_then(Resource::refused_by);
        if let Some(resource) = refused {
            self.rights.refused(resource);
        }
        refused.is_some()
    }

    /// Looks whether what is missing still is: the client tells of most refusals once, and never of their end.
    pub fn review_rights(&self, consumer: &BaseConsumer<Self>) {
        self.rights.remind();
        if let Some(since) = self.rights.refused_for(Resource::Group)
            && since >= GROUP_PATIENCE
            && self.connection.has_coordinator()
        {
            self.rights.granted(Resource::Group);
        }
        // While no broker answers there is nothing to learn, and asking would keep the thread that polls.
        if self.rights.refused_for(Resource::Topic).is_some()
            && !self.connection.is_away()
            && self.may_describe_topic(consumer)
            && !self.is_any_partition_refused(consumer)
            && !self.is_commit_refused()
        {
            self.rights.granted(Resource::Topic);
        }
    }

    /// Whether the last commit was refused: the next one that is not will show the end of it.
    fn is_commit_refused(&self) -> bool {
        self.is_commit_refused.load(Ordering::Relaxed) && !self.state().assignment.ids().is_empty()
    }

    fn is_any_partition_refused(&self, consumer: &BaseConsumer<Self>) -> bool {
        let mut state = self.state();
        for (id, partition) in state.assignment.iter_mut() {
            // Told once, a refusal is told again only where the client is made to fetch anew. What it had fetched goes.
            if let Some(offset) = partition.review_refusal()
                && let Err(error) = consumer.seek(self.topic(), id, Offset::Offset(offset), Duration::ZERO)
            {
                tracing::debug!("partition {id} cannot be fetched again yet: {error}");
                partition.refused();
            }
        }
        state.assignment.iter_mut().any(|(_, partition)| partition.is_refused())
    }

    /// Whether the broker tells of the topic, which it does not where the right to read it is missing.
    fn may_describe_topic(&self, consumer: &BaseConsumer<Self>) -> bool {
        let refusal = RDKafkaErrorCode::TopicAuthorizationFailed;
        consumer.fetch_metadata(Some(self.topic()), METADATA_TIMEOUT).is_ok_and(|metadata| {
            metadata
                .topics()
                .iter()
                .all(|topic| topic.error().is_none_or(|error| RDKafkaErrorCode::from(error) != refusal))
        })
    }
}
