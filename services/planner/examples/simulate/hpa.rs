//! The HorizontalPodAutoscaler's algorithm (autoscaling/v2), for one External metric with a target AverageValue.
//!
//! As in the controller's sources: a metric within tolerance of what the present replicas stand for changes nothing,
//! else `ceil(metric / target)`; of the recommendations of the last 300 s the highest counts on the way down; on the way
//! up at most 4 pods or +100 % in 15 s, whichever is more; on the way down at most -100 % in 15 s.

/// Seconds between two looks at the metric.
pub(crate) const SYNC: f64 = 15.0;
/// Seconds over which the highest recommendation counts on the way down: the HPA's default, and what the chart sets for
/// whoever goes by the planner.
const DOWN_AFTER: f64 = 300.0;
const CHART_DOWN_AFTER: f64 = 30.0;
const PERIOD: f64 = 15.0;
const UP_PODS: u32 = 4;

/// One autoscaler and the deployment it scales.
pub(crate) struct Hpa {
    pub(crate) replicas: u32,
    min: u32,
    max: u32,
    tolerance: f64,
    down_after: f64,
    /// Time and count.
    recommendations: Vec<(f64, u32)>,
    /// Time and pods added.
    added: Vec<(f64, u32)>,
}

impl Hpa {
    pub(crate) fn new(replicas: u32, min: u32, max: u32, tolerance: f64) -> Self {
        let down_after = DOWN_AFTER;
        Self { replicas, min, max, tolerance, down_after, recommendations: Vec::new(), added: Vec::new() }
    }

    /// The same with as little patience as the chart gives it.
    pub(crate) fn with_charts_patience(self) -> Self {
        Self { down_after: CHART_DOWN_AFTER, ..self }
    }

    /// One sync at `now`. Without a metric nothing changes.
    pub(crate) fn sync(&mut self, now: f64, metric: Option<f64>, target: f64) -> u32 {
        let Some(metric) = metric else { return self.replicas };
        let proposed = self.propose(metric, target);
        let stable = self.stabilise(now, proposed);
        let limited = stable.min(self.up_limit(now)).clamp(self.min, self.max);
        if limited > self.replicas {
            self.added.push((now, limited - self.replicas));
        }
        self.replicas = limited;
        limited
    }

    /// What the metric asks for.
    pub(crate) fn propose(&self, metric: f64, target: f64) -> u32 {
        let ratio = metric / (target * f64::from(self.replicas));
        let within = (1.0 - self.tolerance..=1.0 + self.tolerance).contains(&ratio);
        if within { self.replicas } else { (metric / target).ceil() as u32 }
    }

    fn stabilise(&mut self, now: f64, proposed: u32) -> u32 {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, self.replicas));
        }
        self.recommendations.retain(|(at, _)| *at > now - self.down_after);
        self.recommendations.push((now, proposed));
        let highest = self.recommendations.iter().map(|(_, count)| *count).max().unwrap_or(proposed);
        if proposed >= self.replicas { proposed } else { highest.min(self.replicas).max(proposed) }
    }

    fn up_limit(&mut self, now: f64) -> u32 {
        self.added.retain(|(at, _)| *at > now - PERIOD);
        let before = self.replicas - self.added.iter().map(|(_, pods)| *pods).sum::<u32>();
        (before + UP_PODS).max(before * 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_four_pods_or_double_in_each_period() {
        let mut hpa = Hpa::new(1, 1, 100, 0.0);
        let course: Vec<u32> = (0..5).map(|sync| hpa.sync(f64::from(sync) * SYNC, Some(100.0), 1.0)).collect();
        assert_eq!(course, [5, 10, 20, 40, 80]);
    }

    #[test]
    fn shrinking_waits_five_minutes_and_then_goes_all_the_way() {
        let mut hpa = Hpa::new(12, 1, 12, 0.0);
        let course: Vec<u32> = (0..22).map(|sync| hpa.sync(f64::from(sync) * SYNC, Some(2.0), 1.0)).collect();
        assert_eq!(course[..20], [12; 20]);
        assert_eq!(course[20..], [2, 2]);
    }

    #[test]
    fn with_the_charts_patience_it_waits_half_a_minute() {
        let mut hpa = Hpa::new(12, 1, 12, 0.0).with_charts_patience();
        let course: Vec<u32> = (0..4).map(|sync| hpa.sync(f64::from(sync) * SYNC, Some(2.0), 1.0)).collect();
        assert_eq!(course, [12, 12, 2, 2]);
    }

    #[test]
    fn a_metric_within_tolerance_or_none_at_all_changes_nothing() {
        let mut hpa = Hpa::new(10, 1, 12, 0.1);
        assert_eq!(hpa.propose(11.0, 1.0), 10);
        assert_eq!(hpa.propose(11.1, 1.0), 12);
        assert_eq!(hpa.sync(0.0, None, 1.0), 10);
    }
}
