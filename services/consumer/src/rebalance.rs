//! Tells each rebalance in one line: what came, what went, what was lost, how long it paused.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::commit_metadata::{CommitMetadata, now_ms};

use crate::assignment::Drained;
use crate::metrics::{Metrics, RebalanceKind};

/// A partition whose first record does not come within this time is taken for one where nothing waited.
const FIRST_RECORD_TIMEOUT: Duration = Duration::from_secs(1);

/// Partitions that came, until it is known how long each one's records had to wait.
#[derive(Debug)]
pub struct Arrival {
    at: Instant,
    at_ms: i64,
    keeps: Vec<i32>,
    partitions: BTreeMap<i32, Arrived>,
}

#[derive(Debug)]
struct Arrived {
    previous: Option<CommitMetadata>,
    /// Whether its first record was handed out.
    is_moving: bool,
    pause: Option<Duration>,
}

impl Arrival {
    /// Partitions that came now, each with what its last commit said.
    #[must_use]
    pub fn new(partitions: BTreeMap<i32, Option<CommitMetadata>>, keeps: Vec<i32>) -> Self {
        let arrived = |previous| Arrived { previous, is_moving: false, pause: None };
        let partitions = partitions.into_iter().map(|(id, previous)| (id, arrived(previous))).collect();
        Self { at: Instant::now(), at_ms: now_ms(), keeps, partitions }
    }

    /// Notes a record that is handed out. The first of a partition ends its pause, which began when its
    /// previous owner last committed, or when the record was sent if that was later; returns the pause.
    pub fn handed_out(&mut self, partition: i32, timestamp_ms: i64, metrics: &Metrics) -> Option<Duration> {
        let arrived = self.partitions.get_mut(&partition).filter(|arrived| !arrived.is_moving)?;
        arrived.is_moving = true;
        // A record that was sent after the partition came did not wait for it.
        let previous = arrived.previous.as_ref().filter(|_| timestamp_ms <= self.at_ms)?;
        let waited_ms = now_ms() - previous.at_ms.max(timestamp_ms);
        let pause = Duration::from_millis(u64::try_from(waited_ms).unwrap_or(0));
        arrived.pause = Some(pause);
        metrics.paused_by_rebalance(partition, pause);
        Some(pause)
    }

    /// Whether all that will be known is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let is_known = |arrived: &Arrived| arrived.is_moving || arrived.previous.is_none();
        self.at.elapsed() >= FIRST_RECORD_TIMEOUT || self.partitions.values().all(is_known)
    }

    /// Tells it.
    pub fn tell(&self) {
        let ids: Vec<i32> = self.partitions.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let mut previous = Vec::new();
        let mut pauses = Vec::new();
        let mut phrases = Vec::new();
        for (id, arrived) in &self.partitions {
            let Some(before) = &arrived.previous else {
                phrases.push(format!("{id} new"));
                continue;
            };
            previous.push(format!("{id}:{}", before.member));
            let mut phrase = format!("{id} from {}", before.member);
            match arrived.pause {
                Some(pause) => {
                    pauses.push(format!("{id}:{}", pause.as_millis()));
                    phrase += &format!(", paused {:.2} s", pause.as_secs_f64());
                }
                None => phrase += ", nothing waited",
            }
            phrases.push(phrase);
        }
        tracing::info!(
            rebalance = RebalanceKind::Assigned.name(),
            partitions = join(&ids),
            keeps = join(&self.keeps),
            previous = previous.join(" "),
            pauses_ms = pauses.join(" "),
            "got {} ({}); keeps {}",
            name(&ids),
            if previous.is_empty() { "new".to_owned() } else { phrases.join("; ") },
            or_none(&self.keeps),
        );
    }
}

/// Tells that partitions went after a hand-over.
pub fn tell_revoked(drained: &Drained, keeps: &[i32]) {
    let ids: Vec<i32> = drained.partitions.keys().copied().collect();
    let abandoned = match drained.abandoned {
        0 => String::new(),
        abandoned => format!(", abandoned {abandoned} that took too long"),
    };
    tracing::info!(
        rebalance = RebalanceKind::Revoked.name(),
        partitions = join(&ids),
        keeps = join(keeps),
        drain_ms = u64::try_from(drained.took.as_millis()).unwrap_or(u64::MAX),
        finished = drained.finished,
        abandoned = drained.abandoned,
        "gave up {} (finished {} in {:.0} ms{abandoned}); keeps {}",
        name(&ids),
        drained.finished,
        drained.took.as_secs_f64() * 1000.0,
        or_none(keeps),
    );
}

/// Tells that partitions went without one.
pub fn tell_lost(ids: &[i32], in_flight: usize, keeps: &[i32]) {
    tracing::warn!(
        rebalance = RebalanceKind::Lost.name(),
        partitions = join(ids),
        keeps = join(keeps),
        in_flight,
        "lost {}: the group counted this member out; {in_flight} in flight will be done by others; keeps {}",
        name(ids),
        or_none(keeps),
    );
}

fn join(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn or_none(ids: &[i32]) -> String {
    if ids.is_empty() { "none".to_owned() } else { join(ids) }
}

fn name(ids: &[i32]) -> String {
    let noun = if ids.len() == 1 { "partition" } else { "partitions" };
    format!("{noun} {}", or_none(ids))
}
