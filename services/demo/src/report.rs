//! What the story has shown: for programs as it stands, for people as text.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::Event;
use crate::front_door::Route;
use crate::scaling::Scaling;
use crate::story::Outcome;
use crate::timeline::{Change, timeline};
use audit::{Audit, Kill};

pub(crate) use text::Paint;

/// The end of the story.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename = "report")]
pub(crate) struct Report {
    /// Whether nothing was lost and nothing was out of order.
    pub(crate) passed: bool,
    /// How long it all took, in milliseconds.
    pub(crate) took_ms: u64,
    /// Updates that were to be sent, those of the burst included.
    pub(crate) updates: u64,
    /// Of these, how many Kafka acknowledged.
    pub(crate) acknowledged: u64,
    /// Where each symbol's updates went, by symbol.
    pub(crate) routing: Vec<Route>,
    /// The changes in the group, and what each partition did.
    pub(crate) rebalances: Vec<Change>,
    /// The scaling act, unless it was left out.
    pub(crate) scaling: Option<Scaling>,
    /// Who was killed: each with its partitions and the offsets it had committed.
    pub(crate) kills: BTreeMap<String, BTreeMap<i32, i64>>,
    /// What the topics themselves tell.
    pub(crate) audit: Audit,
}

impl Report {
    /// Draws the sum.
    #[must_use]
    pub(crate) fn new(outcome: Outcome, events: &[Event], audit: Audit, took_ms: u64) -> Self {
        let Outcome { updates, acknowledged, failed, routing, kills, scaling } = outcome;
        let complete = acknowledged == updates && failed == 0 && audit.sent == updates;
        Self {
            passed: complete && audit.holds(),
            took_ms,
            updates,
            acknowledged,
            routing,
            rebalances: timeline(events),
            scaling,
            kills: kills.into_iter().map(|Kill { member, committed }| (member, committed)).collect(),
            audit,
        }
    }
}
