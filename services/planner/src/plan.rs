//! The decision.

use crate::counts::Counts;
use crate::growth::Cost;
use crate::headroom::Headroom;
use crate::load::Load;
use crate::need;
use crate::overload::{self, Overload};
use crate::sentence::{self, Facts};
use crate::{HotPartition, Reason, Settings, Snapshot};
use serde::Serialize;
use std::time::Duration;

/// How many consumers the group needs, and why. It carries what the next decision must remember.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// When it was made: the snapshot's time, in milliseconds since 1970.
    pub at_ms: u64,
    /// The answer; `None` if there is none to give, which is not 0.
    pub replicas: Option<u32>,
    /// Why, as a code.
    pub reason: Reason,
    /// Why, in one sentence.
    pub sentence: String,
    /// What the load alone asks for, before pauses, lasting headroom and the maximum are weighed.
    pub needed: Option<u32>,
    /// A partition no count of consumers is enough for.
    pub hot: Option<HotPartition>,
    #[serde(skip)]
    memory: Memory,
}

/// What one plan leaves to the next.
#[derive(Clone, Debug, Default, PartialEq)]
struct Memory {
    /// The last count decided, kept also while there is no answer.
    decided: Option<u32>,
    /// When everything was last known.
    complete_ms: Option<u64>,
    headroom: Headroom,
    overload: Overload,
}

/// Decides how many consumers the group of `snapshot` shall have, given the plan before.
#[must_use]
pub fn plan(snapshot: &Snapshot, previous: Option<&Plan>, settings: &Settings) -> Plan {
    let mut memory = previous.map(|plan| plan.memory.clone()).unwrap_or_default();
    let complete = snapshot.is_complete();
    if complete {
        memory.complete_ms = Some(snapshot.at_ms);
    }
    let unread = memory.complete_ms.map(|at_ms| Duration::from_millis(snapshot.at_ms.saturating_sub(at_ms)));
    let Some(counts) = Counts::new(snapshot.partition_count(), settings) else {
        return memory.kept(snapshot, None, unread, settings);
    };
    let load = Load::new(snapshot, settings);
    let needed = need::needed(snapshot, load.as_ref(), settings);
    let allowed = counts.at_least(needed);
    let before = memory.decided.or(snapshot.consumers.filter(|count| *count > 0));
    let before = before.map_or(allowed, |count| counts.no_worse_than(count));
    let fewest = match load {
        Some(_) => {
            memory.overload.forget();
            0
        }
        None => {
            if allowed > before {
                memory.overload.note(snapshot, &counts, before);
            }
            memory.overload.fewest(snapshot, &counts, before, settings)
        }
    };
    let allowed = allowed.max(fewest);

    let cost = Cost { start: settings.start_time, pause: snapshot.rebalance_pause.unwrap_or(settings.rebalance_pause) };
    let pays = |load: &Load| cost.is_worth_it(load, &counts, before, allowed, settings.target_delay);
    let grows = allowed > before && load.as_ref().is_none_or(pays);
    if !complete && (!grows || unread.is_none_or(|time| time > settings.hold)) {
        // Gaps never shrink; what is known may be enough to grow.
        return memory.kept(snapshot, Some(&counts), unread, settings);
    }

    let mut step = None;
    if complete {
        let room = &mut memory.headroom;
        room.note(snapshot.at_ms, allowed, settings.shrink_after);
        step = room.step(snapshot.at_ms, before, &counts, settings.shrink_after, cost.pause.saturating_mul(2));
    } else {
        memory.headroom.forget();
    }
    let replicas = if grows { allowed } else { step.unwrap_or(before) };
    memory.decided = Some(replicas);

    let headroom = (allowed < before).then(|| memory.headroom.age(snapshot.at_ms, before));
    let facts = Facts {
        replicas,
        before,
        needed,
        allowed,
        headroom,
        payback: cost.pays_back_after(&counts, before, allowed),
        backlog: need::backlog(snapshot),
        too_much: (fewest > counts.at_least(needed)).then_some(memory.overload.per_consumer()).flatten(),
        fewer: counts.below(replicas).map(|fewer| (fewer, overload::arrivals(snapshot, &counts, fewer))),
        load: load.as_ref(),
        counts: &counts,
        settings,
    };
    let reason = facts.reason();
    Plan {
        at_ms: snapshot.at_ms,
        replicas: Some(replicas),
        reason,
        sentence: facts.sentence(reason),
        needed: Some(needed),
        hot: load.as_ref().and_then(Load::hot),
        memory,
    }
}

impl Memory {
    /// The last answer, as long as it may stand in for a reading.
    fn kept(
        mut self,
        snapshot: &Snapshot,
        counts: Option<&Counts>,
        unread: Option<Duration>,
        settings: &Settings,
    ) -> Plan {
        self.headroom.forget();
        let replicas = self.decided.filter(|_| unread.is_some_and(|time| time <= settings.hold));
        let replicas = replicas.map(|count| counts.map_or(count, |counts| counts.at_least(count)));
        let reason = if replicas.is_some() { Reason::Held } else { Reason::Unknown };
        let sentence = sentence::without_reading(replicas, unread, settings.hold);
        Plan { at_ms: snapshot.at_ms, replicas, reason, sentence, needed: None, hot: None, memory: self }
    }
}
