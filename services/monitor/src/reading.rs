//! What one round of reading found: facts alone, nothing worked out. What could not be read says why.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use common::commit_metadata::CommitMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use serde::Serialize;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionId {
    /// Its topic's name.
    pub topic: Arc<str>,
    /// Its number.
    pub partition: i32,
}

/// One round of reading, of every topic and every group.
#[derive(Debug, Default)]
pub struct Round {
    /// When the ends of the partitions were asked for, in milliseconds since 1970.
    pub at_ms: u64,
    /// Each topic, or why it could not be read.
    pub topics: HashMap<Arc<str>, Result<TopicReading, ReadError>>,
    /// Each group.
    pub groups: HashMap<String, GroupReading>,
}

/// A topic's partitions, by their numbers.
pub type TopicReading = BTreeMap<i32, Result<LogReading, ReadError>>;

/// What a partition's log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogReading {
    /// Offset of its oldest record.
    pub start: u64,
    /// Offset its next record will have.
    pub end: u64,
}

/// What was read of a group.
#[derive(Debug)]
pub struct GroupReading {
    /// What it committed: `None` for a partition for which it never did.
    pub offsets: Result<HashMap<PartitionId, Result<Option<Committed>, ReadError>>, ReadError>,
    /// Its members, where the broker can tell.
    pub members: Result<Vec<Member>, ReadError>,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to work on.
    pub offset: u64,
    /// What the member said of itself, where it is one of ours.
    pub metadata: Option<CommitMetadata>,
}

impl Committed {
    /// Of an offset and the bytes committed with it.
    #[must_use]
    pub fn new(offset: u64, metadata: &[u8]) -> Self {
        let metadata = std::str::from_utf8(metadata).ok().and_then(CommitMetadata::decode);
        Self { offset, metadata }
    }
}

/// One member, as the broker describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its `client.id`.
    pub name: String,
    /// The id it has in the group.
    pub id: String,
    /// Where it connects from.
    pub host: String,
    /// What it has.
    pub partitions: Vec<PartitionId>,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ReadError {
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// What the client or the broker said.
    pub reason: String,
}

/// The kinds of failure that call for different remedies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No broker could be reached.
    Unreachable,
    /// A broker did not answer in time.
    TimedOut,
    /// The login is wrong, or has no right to read this.
    NotAuthorized,
    /// There is no such topic.
    NoSuchTopic,
    /// The partition has no leader at the moment, or the group no coordinator.
    NoLeader,
    /// Anything else a broker may answer.
    Refused,
}

impl ErrorKind {
    /// Every kind, for metrics that have a series for each.
    pub const ALL: [Self; 6] =
        [Self::Unreachable, Self::TimedOut, Self::NotAuthorized, Self::NoSuchTopic, Self::NoLeader, Self::Refused];

    /// Its code, as in JSON and in labels.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::NotAuthorized => "not_authorized",
            Self::NoSuchTopic => "no_such_topic",
            Self::NoLeader => "no_leader",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ReadError {
    /// Of a client's error code and what it says.
    #[must_use]
    pub fn new(code: RDKafkaErrorCode, reason: &str) -> Self {
        Self { kind: kind(code), reason: reason.to_owned() }
    }

    /// Of a client's error code alone.
    #[must_use]
    pub fn from_code(code: RDKafkaErrorCode) -> Self {
        Self::new(code, &code.to_string())
    }

    /// Of a broker that answers what cannot be.
    #[must_use]
    pub fn refused(reason: &str) -> Self {
        Self { kind: ErrorKind::Refused, reason: reason.to_owned() }
    }
}

impl From<KafkaError> for ReadError {
    fn from(error: KafkaError) -> Self {
        match error.rdkafka_error_code() {
            Some(code) => Self::new(code, &error.to_string()),
            None => Self::refused(&error.to_string()),
        }
    }
}

#[allow(clippy::wildcard_enum_match_arm, reason = "a foreign enum of two hundred codes")]
fn kind(code: RDKafkaErrorCode) -> ErrorKind {
    use RDKafkaErrorCode as Code;
    match code {
        Code::BrokerTransportFailure | Code::AllBrokersDown | Code::Resolve => ErrorKind::Unreachable,
        Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue | Code::MessageTimedOut => {
            ErrorKind::TimedOut
        }
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::SaslAuthenticationFailed
        | Code::Authentication => ErrorKind::NotAuthorized,
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => ErrorKind::NoSuchTopic,
        Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::WaitingForCoordinator => ErrorKind::NoLeader,
        _ => ErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_clients_commit_has_no_metadata() {
        assert_eq!(Committed::new(7, b"").metadata, None);
        assert_eq!(Committed::new(7, &[0xff, 0xfe]).metadata, None);
        let ours = Committed::new(7, br#"{"member":"consumer-1","done":17,"at":18}"#);
        assert_eq!(ours.metadata.map(|metadata| metadata.member).as_deref(), Some("consumer-1"));
    }

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let codes: std::collections::HashSet<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code(), "JSON and labels agree");
        }
    }
}
