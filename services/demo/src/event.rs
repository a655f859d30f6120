//! What happens in the story, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::log_line::{Rebalance, RebalanceKind};
use crate::wording::{and, count, duration};

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    /// When, in milliseconds since the story began.
    pub(crate) at_ms: u64,
    /// What.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What can happen.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum What {
    /// Kafka and the topic are there.
    Begins {
        /// Where Kafka is.
        bootstrap: String,
        /// Whether it is the embedded one.
        embedded: bool,
        /// The topic.
        topic: String,
        /// How many partitions that has.
        partitions: i32,
        /// What will happen.
        script: String,
    },
    /// The monitor begins to look on.
    Watching {
        /// Where its live page is.
        page: String,
        /// Its process.
        pid: u32,
    },
    /// The producer begins to send.
    Sending {
        /// How many updates it will send.
        updates: u64,
        /// How many a second; 0 is as many as it can.
        rate: u32,
        /// Its process.
        pid: u32,
    },
    /// A consumer is started.
    Joins {
        /// Its name.
        member: String,
        /// Its process.
        pid: u32,
    },
    /// A consumer reports partitions that came or went.
    Rebalanced {
        /// Its name.
        member: String,
        /// What it reports.
        #[serde(flatten)]
        rebalance: Rebalance,
    },
    /// Each partition has exactly one owner.
    Settled {
        /// Which one.
        owners: BTreeMap<i32, String>,
    },
    /// A consumer was killed with SIGKILL.
    Killed {
        /// Its name.
        member: String,
        /// Its process.
        pid: u32,
        /// The symbol for whose sake it was chosen.
        symbol: String,
        /// That symbol's partition.
        partition: i32,
        /// How many updates it was working on.
        in_flight: u64,
        /// Its partitions with the offsets it had committed.
        committed: BTreeMap<i32, i64>,
    },
    /// A consumer was asked to leave, by SIGTERM.
    Leaves {
        /// Its name.
        member: String,
        /// Its process.
        pid: u32,
    },
    /// A consumer has left in good order.
    Left {
        /// Its name.
        member: String,
        /// How long it took, in milliseconds.
        took_ms: u64,
    },
    /// Every update was acknowledged by Kafka.
    AllSent {
        /// How many.
        updates: u64,
    },
    /// Every update was processed and committed.
    AllProcessed,
    /// The rest is not processed and nothing moves any more.
    Stalled {
        /// How many updates are not committed.
        missing: u64,
    },
    /// More updates come than one consumer can take.
    Burst {
        /// How many.
        updates: u64,
        /// How many a second.
        rate: u32,
        /// How many one consumer does in a second.
        capacity: u32,
    },
    /// The monitor comes to another decision.
    Decided {
        /// In one sentence.
        sentence: String,
    },
    /// The autoscaler has consumers join or leave.
    Scales {
        /// How many there were.
        from: u32,
        /// How many there will be.
        to: u32,
    },
    /// A process says that something is wrong.
    Complaint {
        /// Which one.
        process: String,
        /// What it says.
        message: String,
    },
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begins { bootstrap, embedded, topic, partitions, .. } => {
                let kind = if *embedded { "embedded Kafka" } else { "Kafka" };
                write!(f, "{kind} at {bootstrap}, topic {topic}, {partitions} partitions")
            }
            Self::Sending { updates, rate: 0, .. } => {
                write!(f, "the producer sends {} updates as fast as it can", count(*updates))
            }
            Self::Sending { updates, rate, .. } => {
                write!(f, "the producer sends {} updates, {rate} a second", count(*updates))
            }
            Self::Watching { page, .. } => write!(f, "the monitor looks on; its live page: {page}"),
            Self::Joins { member, .. } => write!(f, "{member} joins"),
            Self::Rebalanced { member, rebalance } => {
                write!(f, "{member} ")?;
                sentence(rebalance, f)
            }
            Self::Settled { owners } => write!(f, "settled: {}", owned(owners)),
            Self::Killed { member, symbol, partition, in_flight, .. } => {
                write!(f, "{member} ({symbol}'s partition {partition}) is killed while working on {in_flight}")
            }
            Self::Leaves { member, .. } => write!(f, "{member} is asked to leave"),
            Self::Left { member, took_ms } => write!(f, "{member} left in good order after {}", duration(*took_ms)),
            Self::AllSent { updates } => write!(f, "all {} updates are acknowledged", count(*updates)),
            Self::AllProcessed => f.write_str("all updates are processed and committed"),
            Self::Stalled { missing } => write!(f, "nothing moves any more, {} updates are missing", count(*missing)),
            Self::Burst { updates, rate, capacity } => {
                let updates = count(*updates);
                write!(f, "a burst of {updates} updates, {rate} a second; one consumer does {capacity}")
            }
            Self::Decided { sentence } => write!(f, "monitor wants {sentence}"),
            Self::Scales { from, to } => write!(f, "the autoscaler goes from {from} to {to}"),
            Self::Complaint { process, message } => write!(f, "{process} says: {message}"),
        }
    }
}

fn sentence(rebalance: &Rebalance, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Rebalance { kind, partitions, keeps, drain_ms, finished, abandoned, .. } = rebalance;
    match kind {
        RebalanceKind::Assigned if partitions.is_empty() => f.write_str("gets nothing")?,
        RebalanceKind::Assigned => {
            write!(f, "gets {}", and(partitions))?;
            let longest = rebalance.pauses_ms.values().max();
            longest.map_or(Ok(()), |pause| write!(f, " after a pause of {}", duration(*pause)))?;
        }
        RebalanceKind::Revoked => {
            write!(f, "gives {} back", and(partitions))?;
            if let (Some(drain), Some(finished)) = (drain_ms, finished) {
                write!(f, ", {finished} finished in {}", duration(*drain))?;
            }
            if let Some(abandoned) = abandoned.filter(|abandoned| *abandoned > 0) {
                write!(f, ", {abandoned} left undone")?;
            }
        }
        RebalanceKind::Lost => write!(f, "has lost {}", and(partitions))?,
    }
    if keeps.is_empty() { Ok(()) } else { write!(f, ", keeps {}", and(keeps)) }
}

/// `consumer-1 has 0 and 2, consumer-2 has 1`.
fn owned(owners: &BTreeMap<i32, String>) -> String {
    let mut by_member = BTreeMap::<&str, Vec<i32>>::new();
    owners.iter().for_each(|(partition, member)| by_member.entry(member).or_default().push(*partition));
    let owned: Vec<_> =
        by_member.iter().map(|(member, partitions)| format!("{member} has {}", and(partitions))).collect();
    owned.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rebalance_is_a_sentence() {
        let mut rebalance = Rebalance { partitions: vec![1, 2], keeps: vec![0], ..Rebalance::default() };
        rebalance.pauses_ms = BTreeMap::from([(1, 480), (2, 3_482)]);
        let say = |rebalance: &Rebalance| {
            What::Rebalanced { member: "consumer-2".into(), rebalance: rebalance.clone() }.to_string()
        };
        assert_eq!(say(&rebalance), "consumer-2 gets 1 and 2 after a pause of 3.48 s, keeps 0");
        rebalance = Rebalance { kind: RebalanceKind::Revoked, pauses_ms: BTreeMap::new(), ..rebalance };
        (rebalance.drain_ms, rebalance.finished, rebalance.abandoned) = (Some(8), Some(12), Some(0));
        assert_eq!(say(&rebalance), "consumer-2 gives 1 and 2 back, 12 finished in 8 ms, keeps 0");
    }

    #[test]
    fn an_event_is_one_flat_json_object() {
        let what = What::Rebalanced {
            member: "consumer-2".into(),
            rebalance: Rebalance { partitions: vec![1], ..Rebalance::default() },
        };
        let json = serde_json::to_string(&Event { at_ms: 5, what }).unwrap();
        assert_eq!(
            json,
            r#"{"at_ms":5,"event":"rebalanced","member":"consumer-2","kind":"assigned","partitions":[1],"keeps":[]}"#
        );
    }

    #[test]
    fn owners_are_told_by_member() {
        let owners = [(0, "consumer-1"), (1, "consumer-2"), (2, "consumer-1")];
        let owners = owners.into_iter().map(|(partition, member)| (partition, member.to_owned())).collect();
        assert_eq!(What::Settled { owners }.to_string(), "settled: consumer-1 has 0 and 2, consumer-2 has 1");
    }
}
