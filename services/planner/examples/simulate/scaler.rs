//! Who tells the HPA what: the planner, KEDA, and what both are measured by.

use crate::hpa::Hpa;
use crate::keda;
use crate::trace::{CAPACITY, PARTITIONS};
use planner::{Plan, Rate, Settings, Snapshot, plan};

/// What gives the HPA its metric.
pub(crate) enum Scaler {
    /// This crate's planner, as the chart sets it up: `AverageValue` 1, no tolerance.
    Planner { settings: Settings, last: Option<Box<Plan>>, hpa: Patience },
    /// KEDA with a lag threshold and the HPA's own tolerance.
    Keda { threshold: u64 },
    /// As quick as any scaler could be that sees the same readings, through the same HPA: it knows the true capacity,
    /// keeps the count the planner's utilisation asks for, and asks for a consumer for every partition from the first
    /// sign that this is not enough. Whatever delay it lets happen, no reaction could have prevented.
    Reflex { calm: Option<Box<Plan>>, alarmed: bool },
    /// A consumer for every partition, always.
    All,
}

/// How long an HPA waits before it shrinks.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// As everyone's.
    Default,
    /// As the chart's, which leaves it to the planner.
    Chart,
}

impl Scaler {
    pub(crate) fn planner(hpa: Patience) -> Self {
        Self::Planner { settings: Settings::default(), last: None, hpa }
    }

    pub(crate) fn reflex() -> Self {
        Self::Reflex { calm: None, alarmed: false }
    }

    pub(crate) fn hpa(&self) -> Hpa {
        let (replicas, tolerance) = match self {
            Self::Planner { .. } | Self::Reflex { .. } => (1, 0.0),
            Self::Keda { .. } => (1, 0.1),
            Self::All => (PARTITIONS as u32, 0.0),
        };
        let hpa = Hpa::new(replicas, 1, PARTITIONS as u32, tolerance);
        if matches!(self, Self::Planner { hpa: Patience::Chart, .. }) { hpa.with_charts_patience() } else { hpa }
    }

    /// Whether it goes by the monitor's readings.
    pub(crate) fn reads(&self) -> bool {
        matches!(self, Self::Planner { .. } | Self::Reflex { .. })
    }

    /// Takes in a reading; the metric it leads to is what [`Self::metric`] then tells.
    pub(crate) fn read(&mut self, snapshot: &Snapshot) {
        match self {
            Self::Planner { settings, last, .. } => *last = Some(Box::new(plan(snapshot, last.as_deref(), settings))),
            Self::Reflex { calm, alarmed } => {
                let settings = Settings { consumer_capacity: Some(CAPACITY), ..Settings::default() };
                let next = plan(snapshot, calm.as_deref(), &settings);
                let behind = snapshot.partitions.iter().any(|partition| {
                    let rate = partition.rate.map_or(0.0, Rate::per_second);
                    partition.backlog.is_some_and(|records| records as f64 > 3.0 * rate)
                });
                let grows = calm.as_ref().is_some_and(|last| next.replicas > last.replicas);
                *alarmed = behind || grows;
                *calm = Some(Box::new(next));
            }
            Self::Keda { .. } | Self::All => {}
        }
    }

    /// Metric and target for the HPA; KEDA reads the lags at this moment.
    pub(crate) fn metric(&self, lags: &[Option<u64>]) -> (Option<f64>, f64) {
        let count = |plan: &Option<Box<Plan>>| plan.as_ref().and_then(|plan| plan.replicas).map(f64::from);
        match self {
            Self::Planner { last, .. } => (count(last), 1.0),
            Self::Reflex { alarmed: true, .. } | Self::All => (Some(PARTITIONS as f64), 1.0),
            Self::Reflex { calm, alarmed: false } => (count(calm), 1.0),
            Self::Keda { threshold } => (Some(keda::metric(lags, *threshold) as f64), *threshold as f64),
        }
    }
}
