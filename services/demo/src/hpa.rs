//! The algorithm of Kubernetes' `HorizontalPodAutoscaler` (`autoscaling/v2`) for one `External` metric with the target
//! `AverageValue` 1, and its times made shorter.
//!
//! As in the controller's sources: a metric that is within tolerance of what the present replicas stand for changes
//! nothing, else it is rounded up. Of the recommendations of some time the highest counts on the way down. Policies
//! limit each period's growth to 4 pods or as many as there are, whichever is more, and do not limit shrinking.

use std::time::Duration;

/// Between two looks at the metric, and what its policies count within: 15 s in Kubernetes.
pub(crate) const PERIOD: Duration = Duration::from_secs(1);

/// How long a higher recommendation holds shrinking back: 300 s in Kubernetes.
const STABILISATION: Duration = Duration::from_secs(2);

/// A metric that is off by no more than this part changes nothing: the default in Kubernetes.
const TOLERANCE: f64 = 0.1;

/// So many pods may come in each period, or else as many as there are.
const PODS: u32 = 4;

/// An autoscaler. Its clock is the time since any beginning.
#[derive(Debug)]
pub(crate) struct Hpa {
    most: u32,
    recommendations: Vec<(Duration, u32)>,
    /// What it changed, for its policies: pods that came, or went where negative.
    changes: Vec<(Duration, i64)>,
}

impl Hpa {
    /// One that keeps between 1 and `most` replicas.
    pub(crate) fn new(most: u32) -> Self {
        Self { most, recommendations: Vec::new(), changes: Vec::new() }
    }

    /// How many there shall be where there are `replicas`. Without a metric, as many as there are.
    pub(crate) fn sync(&mut self, now: Duration, replicas: u32, metric: Option<f64>) -> u32 {
        let Some(metric) = metric else { return replicas };
        let proposed = propose(replicas, metric);
        let stable = self.stabilise(now, replicas, proposed);
        let scaled = stable.min(self.limit(now, replicas)).clamp(1, self.most);
        if scaled != replicas {
            self.changes.push((now, i64::from(scaled) - i64::from(replicas)));
        }
        scaled
    }

    fn stabilise(&mut self, now: Duration, replicas: u32, proposed: u32) -> u32 {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, replicas));
        }
        self.recommendations.retain(|(at, _)| now.saturating_sub(*at) < STABILISATION);
        self.recommendations.push((now, proposed));
        let highest = self.recommendations.iter().map(|(_, count)| *count).fold(proposed, u32::max);
        // No higher than what is asked for now, and no lower than what was asked for lately.
        replicas.max(proposed).min(highest)
    }

    /// The most its policies allow now.
    fn limit(&mut self, now: Duration, replicas: u32) -> u32 {
        self.changes.retain(|(at, _)| now.saturating_sub(*at) < PERIOD);
        let changed: i64 = self.changes.iter().map(|(_, pods)| pods).sum();
        let before = u32::try_from(i64::from(replicas) - changed).unwrap_or(0);
        before.saturating_add(PODS).max(before.saturating_mul(2))
    }
}

/// What the metric asks for.
fn propose(replicas: u32, metric: f64) -> u32 {
    let ratio = metric / f64::from(replicas);
    let keeps = (1.0 - TOLERANCE..=1.0 + TOLERANCE).contains(&ratio);
    if keeps { replicas } else { metric.ceil() as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many there are after each sync of one period after the other.
    fn course(mut replicas: u32, most: u32, metrics: &[Option<f64>]) -> Vec<u32> {
        let mut hpa = Hpa::new(most);
        let sync = |(number, metric): (usize, &Option<f64>)| {
            replicas = hpa.sync(PERIOD * u32::try_from(number).unwrap(), replicas, *metric);
            replicas
        };
        metrics.iter().enumerate().map(sync).collect()
    }

    #[test]
    fn what_is_within_tolerance_changes_nothing_and_the_rest_is_rounded_up() {
        for (replicas, metric, expected) in
            [(10, 11.0, 10), (10, 9.0, 10), (10, 11.01, 12), (10, 8.9, 9), (1, 3.0, 3), (3, 1.0, 1), (3, 2.2, 3)]
        {
            assert_eq!(propose(replicas, metric), expected, "{replicas} replicas, metric {metric}");
        }
    }

    #[test]
    fn growth_is_four_pods_or_double_in_each_period() {
        assert_eq!(course(1, 100, &[Some(100.0); 6]), [5, 10, 20, 40, 80, 100]);
        let mut hpa = Hpa::new(100);
        assert_eq!(hpa.sync(Duration::ZERO, 1, Some(100.0)), 5);
        assert_eq!(hpa.sync(PERIOD / 2, 5, Some(100.0)), 5, "the period is not over");
    }

    #[test]
    fn shrinking_waits_until_nothing_more_was_asked_for_and_then_goes_all_the_way() {
        let asked = [3.0, 1.0, 1.0, 1.0].map(Some);
        assert_eq!(course(3, 3, &asked), [3, 3, 1, 1]);
        let wavering = [3.0, 1.0, 2.0, 1.0, 1.0, 1.0].map(Some);
        assert_eq!(course(3, 3, &wavering), [3, 3, 2, 2, 1, 1]);
        assert_eq!(course(3, 3, &[Some(1.0), Some(1.0), Some(1.0)]), [3, 3, 1], "what is there counts at first");
    }

    #[test]
    fn its_bounds_hold_whatever_is_asked_for() {
        assert_eq!(course(1, 3, &[Some(7.0)]), [3]);
        assert_eq!(course(1, 3, &[Some(0.0); 4]), [1, 1, 1, 1]);
    }

    #[test]
    fn without_a_metric_all_stays_as_it_is() {
        assert_eq!(course(3, 3, &[None; 5]), [3; 5]);
        assert_eq!(course(1, 3, &[Some(3.0), None, Some(1.0), None, Some(1.0)]), [3, 3, 1, 1, 1]);
    }
}
