//! The last decisions about a group, to be looked up.

use std::collections::VecDeque;

use planner::{Plan, Reason};
use serde::Serialize;

/// So many are kept.
const KEPT: usize = 200;

/// The last decisions, the newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions(VecDeque<Decision>);

/// A number of consumers with its reason, for as long as both stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// When it was made, in milliseconds since 1970.
    pub at_ms: u64,
    /// The last round that came to the same.
    pub until_ms: u64,
    /// How many consumers; `None` for no answer, which is not 0.
    pub replicas: Option<u32>,
    /// Why, as a code.
    pub reason: Reason,
    /// Why, in one sentence, as it was when the decision was made.
    pub sentence: String,
}

impl Decisions {
    /// Notes what was decided now; returns the decision if it is a new one.
    pub(crate) fn note(&mut self, plan: &Plan) -> Option<&Decision> {
        if let Some(last) = self.0.back_mut()
            && (last.replicas, last.reason) == (plan.replicas, plan.reason)
        {
            last.until_ms = plan.at_ms;
            return None;
        }
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Decision {
            at_ms: plan.at_ms,
            until_ms: plan.at_ms,
            replicas: plan.replicas,
            reason: plan.reason,
            sentence: plan.sentence.clone(),
        });
        self.0.back()
    }

    /// The newest first.
    pub(crate) fn newest_first(&self) -> Vec<Decision> {
        self.0.iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use planner::{Settings, Snapshot, plan};

    use super::*;

    #[test]
    fn a_decision_that_stands_is_one() {
        let mut decisions = Decisions::default();
        let unknown = |at_ms| plan(&Snapshot { at_ms, ..Snapshot::default() }, None, &Settings::default());
        assert!(decisions.note(&unknown(1000)).is_some());
        assert!(decisions.note(&unknown(3000)).is_none());
        let told = decisions.newest_first();
        assert_eq!((told.len(), told[0].at_ms, told[0].until_ms), (1, 1000, 3000));
    }

    #[test]
    fn the_oldest_go_first() {
        let mut decisions = Decisions::default();
        for at_ms in 0..1000 {
            let mut plan = plan(&Snapshot { at_ms, ..Snapshot::default() }, None, &Settings::default());
            plan.replicas = Some(u32::try_from(at_ms).unwrap());
            decisions.note(&plan);
        }
        let told = decisions.newest_first();
        assert_eq!((told.len(), told[0].replicas, told[KEPT - 1].replicas), (KEPT, Some(999), Some(800)));
    }
}
