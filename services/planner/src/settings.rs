//! What the planner aims at.

use std::time::Duration;

/// The planner's settings. The variable each is read from stands in brackets.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// No update shall wait longer than this (`TARGET_DELAY`, 10 s).
    pub target_delay: Duration,
    /// The part of a consumer's capacity that is planned with, above 0, at most 1 (`UTILISATION`, 0.8).
    pub utilisation: f64,
    /// What a rebalance is taken to cost until it has been measured (`REBALANCE_PAUSE`, 2 s).
    pub rebalance_pause: Duration,
    /// From a decision to grow until its consumers are there: the HPA's period and a pod's start
    /// (`START_TIME`, 20 s).
    pub start_time: Duration,
    /// How long fewer consumers must have been enough before one step down (`SHRINK_AFTER`, 20 s).
    pub shrink_after: Duration,
    /// Never fewer (`MIN_CONSUMERS`, 1), unless there are fewer partitions.
    pub min_consumers: u32,
    /// Never more (`MAX_CONSUMERS`, as many as partitions).
    pub max_consumers: Option<u32>,
    /// How long the last answer stands in for readings that fail (`HOLD`, 5 min).
    pub hold: Duration,
    /// Records of backlog one consumer is taken to be good for while its capacity is unknown
    /// (`LAG_PER_CONSUMER`, 1000).
    pub lag_per_consumer: u64,
    /// How often members commit: what arrived since then is not behind (`COMMIT_INTERVAL`, 1 s).
    pub commit_interval: Duration,
    /// What one consumer can do, in records per second, instead of what would be learned (`CONSUMER_CAPACITY`).
    pub consumer_capacity: Option<f64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            target_delay: Duration::from_secs(10),
            utilisation: 0.8,
            rebalance_pause: Duration::from_secs(2),
            start_time: Duration::from_secs(20),
            shrink_after: Duration::from_secs(20),
            min_consumers: 1,
            max_consumers: None,
            hold: Duration::from_secs(300),
            lag_per_consumer: 1000,
            commit_interval: Duration::from_secs(1),
            consumer_capacity: None,
        }
    }
}

/// A setting the planner cannot work with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{variable}: {value} given, {expected} expected")]
pub struct SettingsError {
    /// The variable's name.
    pub variable: &'static str,
    /// What it was set to.
    pub value: String,
    /// What it could have been set to.
    pub expected: &'static str,
}

impl Settings {
    /// Checks each setting's range.
    ///
    /// # Errors
    /// Names the first one that is out of it.
    pub fn check(&self) -> Result<(), SettingsError> {
        let rule = |holds: bool, variable, value: &dyn std::fmt::Debug, expected| {
            if holds { Ok(()) } else { Err(SettingsError { variable, value: format!("{value:?}"), expected }) }
        };
        let some_time = "more than no time";
        rule(!self.target_delay.is_zero(), "TARGET_DELAY", &self.target_delay, some_time)?;
        let commits_in_time = self.commit_interval <= self.target_delay;
        rule(commits_in_time, "COMMIT_INTERVAL", &self.commit_interval, "at most TARGET_DELAY")?;
        let part = self.utilisation > 0.0 && self.utilisation <= 1.0;
        rule(part, "UTILISATION", &self.utilisation, "more than 0, at most 1")?;
        rule(self.min_consumers >= 1, "MIN_CONSUMERS", &self.min_consumers, "at least 1")?;
        let max = self.max_consumers.unwrap_or(u32::MAX);
        rule(max >= self.min_consumers, "MAX_CONSUMERS", &max, "at least MIN_CONSUMERS")?;
        rule(self.lag_per_consumer >= 1, "LAG_PER_CONSUMER", &self.lag_per_consumer, "at least 1")?;
        let capacity = self.consumer_capacity.unwrap_or(1.0);
        rule(capacity > 0.0 && capacity.is_finite(), "CONSUMER_CAPACITY", &capacity, "more than 0 a second")
    }
}
