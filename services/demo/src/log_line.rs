//! What the services say on their standard output: JSON lines, of which a few matter to the story.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::Value;

/// A line of a service's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogLine {
    /// Its HTTP side has this address.
    Listening(SocketAddr),
    /// The group gave it partitions or took some.
    Rebalance(Rebalance),
    /// It says that something is wrong.
    Complaint(String),
    /// Anything else.
    Other,
}

/// What a rebalance was to one member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rebalance {
    /// Which way the partitions went.
    pub(crate) kind: RebalanceKind,
    /// Those that came or went.
    pub(crate) partitions: Vec<i32>,
    /// Those it has besides.
    pub(crate) keeps: Vec<i32>,
    /// Who had them before, of those that came, where the member knows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) previous: BTreeMap<i32, String>,
    /// How long nobody worked on them, in milliseconds, of those that came, where the member knows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) pauses_ms: BTreeMap<i32, u64>,
    /// How long finishing what ran took, in milliseconds, before they went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drain_ms: Option<u64>,
    /// How many updates were finished meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) finished: Option<u64>,
    /// How many were not, and are left to the next owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) abandoned: Option<u64>,
}

/// Which way partitions went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RebalanceKind {
    /// They came.
    #[default]
    Assigned,
    /// They were given back in order.
    Revoked,
    /// They had gone to others before the member knew.
    Lost,
}

impl LogLine {
    /// Reads a line; what is not JSON is a complaint, for that is how a process ends that fails early.
    #[must_use]
    pub(crate) fn parse(line: &str) -> Self {
        let Ok(Value::Object(fields)) = serde_json::from_str(line) else {
            return if line.trim().is_empty() { Self::Other } else { Self::Complaint(line.trim().to_owned()) };
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let message = text("message");
        let kind = match text("rebalance") {
            "assigned" => Some(RebalanceKind::Assigned),
            "revoked" => Some(RebalanceKind::Revoked),
            "lost" => Some(RebalanceKind::Lost),
            _ => None,
        };
        if let Some(kind) = kind {
            let number = |name: &str| fields.get(name).and_then(Value::as_u64);
            return Self::Rebalance(Rebalance {
                kind,
                partitions: list(text("partitions")),
                keeps: list(text("keeps")),
                previous: pairs(text("previous")),
                pauses_ms: pairs(text("pauses_ms")),
                drain_ms: number("drain_ms"),
                finished: number("finished"),
                abandoned: number("abandoned"),
            });
        }
        match (message, text("address").parse(), text("level")) {
            ("listening", Ok(address), _) => Self::Listening(address),
            (_, _, "WARN" | "ERROR") => Self::Complaint(message.to_owned()),
            _ => Self::Other,
        }
    }
}

/// Reads `1,2`.
fn list(text: &str) -> Vec<i32> {
    text.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// Reads `1:consumer-1 2:consumer-2`.
fn pairs<V: std::str::FromStr>(text: &str) -> BTreeMap<i32, V> {
    let pair = |pair: &str| pair.split_once(':').and_then(|(k, v)| Some((k.parse().ok()?, v.parse().ok()?)));
    text.split_whitespace().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_address_is_learned() {
        let line = r#"{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","message":"listening","address":"127.0.0.1:4711","target":"common::http"}"#;
        assert_eq!(LogLine::parse(line), LogLine::Listening("127.0.0.1:4711".parse().unwrap()));
    }

    #[test]
    fn an_assignment_is_read() {
        let line = r#"{"level":"INFO","message":"took 1,2","rebalance":"assigned","partitions":"1,2","keeps":"0","previous":"1:consumer-1 2:consumer-1","pauses_ms":"1:480 2:482"}"#;
        let LogLine::Rebalance(rebalance) = LogLine::parse(line) else { panic!("not a rebalance") };
        assert_eq!(
            (rebalance.kind, rebalance.partitions, rebalance.keeps),
            (RebalanceKind::Assigned, vec![1, 2], vec![0])
        );
        assert_eq!(rebalance.previous.get(&2).map(String::as_str), Some("consumer-1"));
        assert_eq!(rebalance.pauses_ms, BTreeMap::from([(1, 480), (2, 482)]));
    }

    #[test]
    fn a_revocation_is_read() {
        let line = r#"{"level":"INFO","message":"gave 1 back","rebalance":"revoked","partitions":"1","keeps":"","drain_ms":8,"finished":12,"abandoned":0}"#;
        let expected = Rebalance {
            kind: RebalanceKind::Revoked,
            partitions: vec![1],
            drain_ms: Some(8),
            finished: Some(12),
            abandoned: Some(0),
            ..Rebalance::default()
        };
        assert_eq!(LogLine::parse(line), LogLine::Rebalance(expected));
    }

    #[test]
    fn only_what_is_wrong_is_a_complaint() {
        assert_eq!(LogLine::parse(r#"{"level":"INFO","message":"all is well"}"#), LogLine::Other);
        assert_eq!(LogLine::parse(r#"{"level":"WARN","message":"hm"}"#), LogLine::Complaint("hm".into()));
        assert_eq!(LogLine::parse("consumer: RATE is not set"), LogLine::Complaint("consumer: RATE is not set".into()));
        assert_eq!(LogLine::parse(""), LogLine::Other);
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line: String) {
            let _ = LogLine::parse(&line);
        }

        #[test]
        fn lists_are_read_whatever_is_in_them(partitions in "[0-9, :a-z-]{0,30}", pauses in "[0-9, :a-z-]{0,30}") {
            let line = serde_json::json!({ "rebalance": "assigned", "partitions": partitions, "pauses_ms": pauses });
            prop_assert!(matches!(LogLine::parse(&line.to_string()), LogLine::Rebalance(_)));
        }
    }
}
