//! What the story has shown: for programs as it stands, for people as text.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::audit::{Audit, Kill};
use crate::event::Event;
use crate::front_door::Route;
use crate::story::Outcome;
use crate::timeline::{Change, timeline};

pub(crate) use text::Paint;

/// The end of the story.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "report")]
pub(crate) struct Report {
    /// Whether nothing was lost and nothing was out of order.
    pub(crate) passed: bool,
    /// How long it all took, in milliseconds.
    pub(crate) took_ms: u64,
    /// Updates that were to be sent.
    pub(crate) updates: u64,
    /// Of these, how many Kafka acknowledged.
    pub(crate) acknowledged: u64,
    /// Where each symbol's updates went, by symbol.
    pub(crate) routing: Vec<Route>,
    /// The changes in the group, and what each partition did.
    pub(crate) rebalances: Vec<Change>,
    /// Who was killed: each with its partitions and the offsets it had committed.
    pub(crate) kills: BTreeMap<String, BTreeMap<i32, i64>>,
    /// What the topics themselves tell.
    pub(crate) audit: Audit,
}

impl Report {
    /// Draws the sum.
    #[must_use]
    pub(crate) fn new(updates: u64, outcome: Outcome, events: &[Event], audit: Audit, took_ms: u64) -> Self {
        let Outcome { load, routing, kills } = outcome;
        let complete = load.acknowledged == updates && load.failed == 0 && audit.sent == updates;
        Self {
            passed: complete && audit.holds(),
            took_ms,
            updates,
            acknowledged: load.acknowledged,
            routing,
            rebalances: timeline(events),
            kills: kills.into_iter().map(|Kill { member, committed }| (member, committed)).collect(),
            audit,
        }
    }
}
