//! What a member writes beside the offsets it commits: who it is and how far its work has come.
//!
//! Whoever may read the group's offsets learns owners and delay from it, on any broker, without joining.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The metadata of one partition's commit, as JSON of a few dozen bytes (a broker allows 4,096).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitMetadata {
    /// The member's name: its `CLIENT_ID`, in Kubernetes the pod's name.
    pub member: String,
    /// Timestamp of the last record below the committed offset, in milliseconds since 1970; `None` before the first.
    #[serde(rename = "done", default, skip_serializing_if = "Option::is_none")]
    pub done_ms: Option<i64>,
    /// When this was committed by the member's clock, in milliseconds since 1970.
    #[serde(rename = "at")]
    pub at_ms: i64,
    /// How long the partition's records waited when it moved to this member, in milliseconds; `None` if none did.
    #[serde(rename = "pause", default, skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
}

impl CommitMetadata {
    /// The text that goes into the commit.
    #[must_use]
    pub fn encode(&self) -> String {
        // A struct of strings and integers always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what a commit carries; `None` if another client wrote it.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// The time of day in milliseconds since 1970, as Kafka counts it.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_text_is_short_json() {
        let metadata =
            CommitMetadata { member: "consumer-2".into(), done_ms: Some(17), at_ms: 18, pause_ms: Some(250) };
        assert_eq!(metadata.encode(), r#"{"member":"consumer-2","done":17,"at":18,"pause":250}"#);
        let none = CommitMetadata { done_ms: None, pause_ms: None, ..metadata };
        assert_eq!(none.encode(), r#"{"member":"consumer-2","at":18}"#);
    }

    #[test]
    fn what_others_write_is_not_ours() {
        for text in ["", "NO_METADATA", "{}", "[1]", r#"{"member":7,"at":1}"#] {
            assert_eq!(CommitMetadata::decode(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_reads_what_it_writes(member: String, done_ms: Option<i64>, at_ms: i64, pause_ms: Option<u64>) {
            let metadata = CommitMetadata { member, done_ms, at_ms, pause_ms };
            prop_assert_eq!(CommitMetadata::decode(&metadata.encode()), Some(metadata));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = CommitMetadata::decode(&text);
        }
    }
}
