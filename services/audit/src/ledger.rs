//! The account of every record: pure, fed record by record.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use common::quote::Symbol;
use serde::Serialize;

use crate::delays::Delays;

/// So many findings are described, the rest only counted.
const DESCRIBED: usize = 10;

/// A record as it stands in the source topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

/// A record as it stands in the output topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processed<'a> {
    /// Where it came from, by its headers.
    pub source: Sent,
    /// When it was processed, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its key; `None` if that is not a symbol, which makes it a stranger.
    pub symbol: Option<Symbol>,
    /// Its number within its symbol, if it carries one; a number 1 begins anew.
    pub sequence: Option<u64>,
    /// Who processed it.
    pub member: &'a str,
}

/// A member that was killed, and how far it had committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kill {
    /// The member's name.
    pub member: String,
    /// The next offset as last committed, of each partition it had. A partition that never was committed stands at 0.
    pub committed: BTreeMap<i32, i64>,
}

impl Kill {
    /// Whether the kill is a reason to process again what this member had processed.
    fn explains(&self, member: &str, source: Sent) -> bool {
        self.member == member && self.committed.get(&source.partition).is_some_and(|&next| source.offset >= next)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Records in the source topic.
    pub sent: u64,
    /// Of these, how many are in the output topic, each counted once.
    pub processed: u64,
    /// Of these, how many are in the dead-letter topic and not in the output topic.
    pub dead_letters: u64,
    /// Of these, how many are in neither.
    pub lost: u64,
    /// Records of the output topic beyond the first of each.
    pub twice: u64,
    /// Of these, how many a kill explains: their last processing before was by the killed member, beyond its last commit.
    pub twice_explained: u64,
    /// First appearances in the output topic behind a later update of the same symbol and source partition, where later
    /// is what has a larger offset or a larger sequence number.
    pub order_violations: u64,
    /// Records of the output or dead-letter topic that name no record of the source topic, or have no symbol.
    pub strangers: u64,
    /// Records of the source topic that are not in the partition that Kafka's hash of their key says.
    pub misrouted: u64,
    /// How long the processed ones took, if there are any.
    pub delays: Option<Delays>,
    /// The first few of what should not be, in words.
    pub findings: Vec<String>,
}

impl Audit {
    /// Whether nothing was lost, nothing was out of order, and nothing came from nowhere.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.lost == 0 && self.order_violations == 0 && self.strangers == 0 && self.misrouted == 0
    }
}

/// What became of one record of the source so far.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    sent_ms: i64,
    /// The number of the member that processed it last.
    member: Option<usize>,
    dead: bool,
}

/// The books: first everything sent, then everything processed in the output topic's order, then the sum.
#[derive(Debug, Default)]
pub struct Ledger {
    kills: Vec<Kill>,
    /// The part of the source topic that is looked at; all of it where a partition is missing.
    extent: BTreeMap<i32, Range<i64>>,
    fates: HashMap<(i32, i64), Fate>,
    members: Vec<String>,
    /// The latest offset and sequence number that have appeared, per symbol and source partition.
    newest: HashMap<(Symbol, i32), (i64, u64)>,
    /// Milliseconds from sent to processed for the first time.
    delays: Vec<u64>,
    audit: Audit,
}

impl Ledger {
    /// Empty books that know who was killed.
    #[must_use]
    pub fn new(kills: Vec<Kill>) -> Self {
        Self { kills, ..Self::default() }
    }

    /// The same, of a part of the source topic: what else comes out is left alone.
    #[must_use]
    pub fn of(kills: Vec<Kill>, extent: BTreeMap<i32, Range<i64>>) -> Self {
        Self { kills, extent, ..Self::default() }
    }

    /// Notes that a record of the source topic is in another partition than its key says.
    pub fn misrouted(&mut self, source: Sent, expected: u32) {
        self.audit.misrouted += 1;
        self.finding(format!("{source} belongs into partition {expected}"));
    }

    /// Takes a record of the source topic, and when it was sent, in milliseconds since 1970.
    pub fn sent(&mut self, source: Sent, sent_ms: i64) {
        self.fates.entry((source.partition, source.offset)).or_default().sent_ms = sent_ms;
    }

    /// Takes a record of the output topic.
    pub fn processed(&mut self, record: Processed<'_>) {
        let Processed { source, at_ms, symbol, sequence, member } = record;
        if self.is_outside(source) {
            return;
        }
        let by = self.member(member);
        let Some(fate) = self.fates.get_mut(&(source.partition, source.offset)) else {
            return self.stranger("the output topic", source);
        };
        if let Some(before) = fate.member.replace(by) {
            let before = self.members.get(before).map_or("", String::as_str);
            self.audit.twice += 1;
            if self.kills.iter().any(|kill| kill.explains(before, source)) {
                self.audit.twice_explained += 1;
            } else {
                let finding =
                    format!("{source} was processed by {before} and again by {member}, which no kill explains");
                self.finding(finding);
            }
            return;
        }
        self.audit.processed += 1;
        // Two clocks may differ by a moment.
        self.delays.push(u64::try_from(at_ms.saturating_sub(fate.sent_ms)).unwrap_or(0));
        let Some(symbol) = symbol else {
            return self.stranger("the output topic, without a symbol,", source);
        };
        let (offset, number) = self.newest.entry((symbol, source.partition)).or_insert((-1, 0));
        let sequence = sequence.unwrap_or(*number);
        if source.offset < *offset || (sequence < *number && sequence != 1) {
            let finding = format!("{symbol} {sequence} ({source}, {member}) came out behind {symbol} {number}");
            self.audit.order_violations += 1;
            self.finding(finding);
        } else {
            (*offset, *number) = (source.offset, sequence);
        }
    }

    /// Takes a record of the dead-letter topic.
    pub fn dead_letter(&mut self, source: Sent) {
        if self.is_outside(source) {
            return;
        }
        match self.fates.get_mut(&(source.partition, source.offset)) {
            Some(fate) => fate.dead = true,
            None => self.stranger("the dead-letter topic", source),
        }
    }

    /// Takes a record of the output or dead-letter topic that does not say where it came from.
    pub fn unmarked(&mut self, topic: &str) {
        self.audit.strangers += 1;
        self.finding(format!("a record of {topic} does not say where it came from"));
    }

    /// Closes the books.
    #[must_use]
    pub fn close(mut self) -> Audit {
        let mut lost = Vec::new();
        for (&(partition, offset), fate) in &self.fates {
            self.audit.sent += 1;
            match (fate.member, fate.dead) {
                (Some(_), _) => {}
                (None, true) => self.audit.dead_letters += 1,
                (None, false) => lost.push((partition, offset)),
            }
        }
        lost.sort_unstable();
        self.audit.lost = lost.len() as u64;
        for (partition, offset) in lost.into_iter().take(DESCRIBED) {
            self.finding(format!("{} never came out", Sent { partition, offset }));
        }
        self.audit.delays = Delays::of(self.delays);
        self.audit
    }

    fn is_outside(&self, source: Sent) -> bool {
        self.extent.get(&source.partition).is_some_and(|extent| !extent.contains(&source.offset))
    }

    fn member(&mut self, name: &str) -> usize {
        // Members are few, records are many.
        self.members.iter().position(|member| member == name).unwrap_or_else(|| {
            self.members.push(name.to_owned());
            self.members.len() - 1
        })
    }

    fn stranger(&mut self, topic: &str, source: Sent) {
        self.audit.strangers += 1;
        self.finding(format!("a record of {topic} claims to come from {source}"));
    }

    fn finding(&mut self, finding: String) {
        if self.audit.findings.len() < DESCRIBED {
            self.audit.findings.push(finding);
        }
    }
}

impl std::fmt::Display for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "offset {} of partition {}", self.offset, self.partition)
    }
}

#[cfg(test)]
mod tests;
