//! What the planner has to reach on every trace.

use crate::contest::Contest;

/// Replica-seconds the planner may take for each one of KEDA's at its best threshold.
const MOST_REPLICAS: f64 = 1.1;

/// A goal: its name, and whether a contest reached it.
pub(crate) type Goal = (&'static str, fn(&Contest) -> bool);

pub(crate) const GOALS: [Goal; 5] = [
    ("the target is kept wherever it could be", |contest| contest.planner.meets(&contest.reflex)),
    ("at most 10 % more replica-seconds than KEDA at its best", |contest| {
        contest.planner.replica_seconds <= contest.keda_best.replica_seconds * MOST_REPLICAS
    }),
    ("no more rebalances than KEDA at its best", |contest| contest.planner.rebalances <= contest.keda_best.rebalances),
    ("through the chart's HPA the same, and nothing more than KEDA at its best", |contest| {
        let (chart, keda) = (&contest.chart, &contest.keda_best);
        let no_more = chart.replica_seconds <= keda.replica_seconds && chart.rebalances <= keda.rebalances;
        chart.meets(&contest.reflex) && no_more
    }),
    ("KEDA's default is not better in both delay and replica-seconds", |contest| {
        let (planner, keda) = (&contest.planner, &contest.keda_default);
        keda.worst >= planner.worst || keda.replica_seconds >= planner.replica_seconds
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contests;
    use crate::trace::TRACES;

    #[test]
    fn the_planner_reaches_every_goal_on_every_trace() {
        let contests = contests();
        assert_eq!(contests.len(), TRACES.len());
        let missed = contests.iter().flat_map(|contest| {
            let missed = GOALS.iter().filter(|(_, reached)| !reached(contest));
            missed.map(|(goal, _)| format!("{}: {goal}", contest.trace.name))
        });
        assert_eq!(missed.collect::<Vec<_>>(), [""; 0]);
    }
}
