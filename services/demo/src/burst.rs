//! The load of the scaling act: more than one consumer can take, and what some of them can.

use std::time::Duration;

/// How long it lasts.
const LASTS: Duration = Duration::from_secs(8);

/// The part of what its consumers could do.
const PART: f64 = 0.68;

/// At least so many times what one consumer does.
const LEAST: f64 = 1.4;

/// What one update takes a consumer: with less, one consumer takes any burst; with more, a burst is but a few updates.
const WORK: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(50);

/// A burst, and how many consumers it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Burst {
    /// So many consumers take it, and fewer do not.
    pub(crate) consumers: u32,
    /// Updates per second.
    pub(crate) rate: u32,
    /// All its updates.
    pub(crate) updates: u64,
    /// Updates that one consumer does in a second.
    pub(crate) capacity: u32,
}

impl Burst {
    /// A burst for at most `consumers` that share `partitions` and take `work` over each update.
    ///
    /// # Errors
    /// Why there is none: the option and what is wrong with it.
    pub(crate) fn new(partitions: i32, consumers: usize, work: Duration) -> Result<Self, String> {
        let partitions = u32::try_from(partitions).unwrap_or(1);
        let wanted = u32::try_from(consumers).unwrap_or(u32::MAX).min(partitions).max(1);
        // One more is of use only if nobody then has as many partitions as before.
        let share = partitions.div_ceil(wanted);
        let consumers = partitions.div_ceil(share);
        if partitions < 2 {
            return Err("--partitions 1: a partition is never shared; expected 2 or more, or --no-scaling".to_owned());
        }
        if consumers < 2 {
            return Err("--consumers 1: there is nothing to scale; expected 2 or more, or --no-scaling".to_owned());
        }
        if !WORK.contains(&work) {
            let work = humantime::format_duration(work);
            return Err(format!("--work {work}: expected 1ms to 50ms for the scaling act, or --no-scaling"));
        }
        let capacity = 1.0 / work.as_secs_f64();
        let rate = (capacity * PART * f64::from(partitions) / f64::from(share)).max(capacity * LEAST) as u32;
        let updates = u64::from(rate) * LASTS.as_secs();
        Ok(Self { consumers, rate, updates, capacity: capacity as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(partitions: i32, consumers: usize, work_ms: u64) -> Result<Burst, String> {
        Burst::new(partitions, consumers, Duration::from_millis(work_ms))
    }

    #[test]
    fn one_consumer_cannot_take_it_and_those_it_is_for_can() {
        for partitions in 2..=24 {
            for consumers in 2..=6 {
                let burst = burst(partitions, consumers, 4).unwrap();
                let share = partitions.unsigned_abs().div_ceil(burst.consumers);
                let each = burst.rate * share / partitions.unsigned_abs();
                assert!(burst.rate > 250 && each < 250, "{partitions} partitions, {consumers} consumers: {burst:?}");
            }
        }
    }

    #[test]
    fn a_consumer_that_would_relieve_nobody_is_not_asked_for() {
        assert_eq!(burst(3, 3, 4).unwrap(), Burst { consumers: 3, rate: 510, updates: 4_080, capacity: 250 });
        assert_eq!(burst(6, 4, 4).unwrap().consumers, 3);
        assert_eq!(burst(2, 3, 4).unwrap().consumers, 2);
    }

    #[test]
    fn why_there_is_none_is_told() {
        assert!(burst(1, 3, 4).unwrap_err().starts_with("--partitions 1: "));
        assert!(burst(3, 1, 4).unwrap_err().starts_with("--consumers 1: "));
        assert!(burst(3, 3, 0).unwrap_err().starts_with("--work 0s: expected 1ms to 50ms"));
        assert!(burst(3, 3, 60).unwrap_err().starts_with("--work 60ms: "));
    }
}
