//! The planner beside KEDA, and beside what could be had at all, on one trace.

use crate::keda;
use crate::run::{Outcome, TARGET, play};
use crate::scaler::{Patience, Scaler};
use crate::trace::Trace;

/// Each scaler plays a trace so often, with other noise, and the HPA's period beginning at another moment.
const RUNS: u32 = 5;
/// Differences below these are noise: of worst delays, in seconds, and of parts of all records.
const DELAY_NOISE: f64 = 0.5;
const LATE_NOISE: f64 = 0.005;

/// One scaler's outcome over all runs of a trace.
#[derive(Clone, Debug)]
pub(crate) struct Score {
    pub(crate) name: String,
    /// The worst delay of any run, in seconds.
    pub(crate) worst: f64,
    /// The highest p99 delay of any run, in seconds.
    pub(crate) p99: f64,
    /// The part of all records that took longer than the target, 0 to 1; mean over the runs.
    pub(crate) late: f64,
    /// Mean over the runs.
    pub(crate) replica_seconds: f64,
    /// Mean over the runs.
    pub(crate) rebalances: f64,
}

/// All scores of one trace.
pub(crate) struct Contest {
    pub(crate) trace: &'static Trace,
    pub(crate) all: Score,
    pub(crate) reflex: Score,
    pub(crate) planner: Score,
    /// The planner through an HPA that shrinks as soon as the chart's does.
    pub(crate) chart: Score,
    pub(crate) keda_default: Score,
    /// KEDA at the threshold that takes the fewest replica-seconds among those that meet the target.
    pub(crate) keda_best: Score,
    /// Where that one does not keep the target always: the cheapest that does, by running more consumers all the time.
    pub(crate) keda_keeping: Option<Score>,
}

impl Score {
    fn of(name: &str, trace: &Trace, scaler: impl Fn() -> Scaler) -> Self {
        Self::new(name, &(0..RUNS).map(|run| nth(run, trace, scaler())).collect::<Vec<_>>())
    }

    fn new(name: &str, outcomes: &[Outcome]) -> Self {
        let mean = |value: fn(&Outcome) -> f64| outcomes.iter().map(value).sum::<f64>() / outcomes.len() as f64;
        Self {
            name: name.to_owned(),
            worst: outcomes.iter().map(|outcome| outcome.worst).fold(0.0, f64::max),
            p99: outcomes.iter().map(|outcome| outcome.p99).fold(0.0, f64::max),
            late: mean(|outcome| outcome.late),
            replica_seconds: mean(|outcome| outcome.replica_seconds),
            rebalances: mean(|outcome| f64::from(outcome.rebalances)),
        }
    }

    /// KEDA at the threshold that takes the fewest replica-seconds among those whose score is good and whose worst delay
    /// is at most `worst`.
    fn cheapest_keda(trace: &Trace, worst: f64, good: impl Fn(&Self) -> bool) -> Option<Self> {
        // The highest first: they cost little. The rest soon costs more than the best so far, or shows a worse delay.
        thresholds().rev().fold(None, |best: Option<Self>, threshold| {
            let most = best.as_ref().map_or(f64::INFINITY, |best| best.replica_seconds) * f64::from(RUNS);
            let (mut outcomes, mut taken) = (Vec::new(), 0.0);
            for run in 0..RUNS {
                let outcome = nth(run, trace, Scaler::Keda { threshold });
                taken += outcome.replica_seconds;
                if taken >= most || outcome.worst > worst {
                    return best;
                }
                outcomes.push(outcome);
            }
            Some(Self::new(&keda_name(threshold), &outcomes)).filter(&good).or(best)
        })
    }

    /// Whether the target was kept as far as it could be: always; or else no record waited longer than with the reflex,
    /// and no more of them waited too long.
    pub(crate) fn meets(&self, reflex: &Self) -> bool {
        self.worst <= TARGET || (self.worst <= reflex.worst + DELAY_NOISE && self.late <= reflex.late + LATE_NOISE)
    }
}

impl Contest {
    /// Plays `trace` with every scaler, and with KEDA at every threshold that may be the best.
    pub(crate) fn new(trace: &'static Trace) -> Self {
        let reflex = Score::of("reflex", trace, Scaler::reflex);
        let threshold = keda::DEFAULT_THRESHOLD;
        let keda_default = Score::of(&keda_name(threshold), trace, || Scaler::Keda { threshold });
        let worst = TARGET.max(reflex.worst + DELAY_NOISE);
        let keda_best = Score::cheapest_keda(trace, worst, |score| score.meets(&reflex));
        let keda_best = keda_best.unwrap_or_else(|| keda_default.clone());
        let exceeds = keda_best.worst > TARGET;
        Self {
            trace,
            all: Score::of("12 always", trace, || Scaler::All),
            planner: Score::of("planner", trace, || Scaler::planner(Patience::Default)),
            chart: Score::of("planner, the chart's HPA", trace, || Scaler::planner(Patience::Chart)),
            keda_keeping: exceeds.then(|| Score::cheapest_keda(trace, TARGET, |_| true)).flatten(),
            reflex,
            keda_default,
            keda_best,
        }
    }
}

/// One of the runs every scaler plays.
fn nth(run: u32, trace: &Trace, scaler: Scaler) -> Outcome {
    play(trace, scaler, run.into(), (f64::from(run) + 0.5) / f64::from(RUNS))
}

fn keda_name(threshold: u64) -> String {
    format!("KEDA, lagThreshold {threshold}")
}

/// From 50, which in these traces always asks for the maximum, to some 8,000, by a tenth.
fn thresholds() -> impl DoubleEndedIterator<Item = u64> {
    (0..54).map(|index| (50.0 * 1.1_f64.powi(index)).round() as u64)
}
