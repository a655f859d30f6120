//! Work that is only simulated: it takes its time, and a process gets so much of it done and no more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Simulated work on each update.
#[derive(Debug)]
pub struct Work {
    time: Duration,
    /// When each worker has done all that it has begun; without any, as many as there are updates.
    workers: Option<Mutex<Vec<Instant>>>,
}

impl Work {
    /// Work of some `time`, done by so many `workers` of the process at once, whatever lane and partition it comes from:
    /// a limit like that of its processors, or of a pool of connections. Without a number every update has its own.
    #[must_use]
    pub fn new(time: Duration, workers: Option<u32>) -> Self {
        let free = |count| Mutex::new(vec![Instant::now(); count as usize]);
        Self { time, workers: workers.filter(|count| *count > 0).map(free) }
    }

    /// Does the work on an update that comes now.
    pub(super) async fn done(&self) {
        if !self.time.is_zero() {
            sleep_until(self.done_at(Instant::now())).await;
        }
    }

    /// When it is done. Each worker begins where it ended, not where a timer happened to wake it: what is late once
    /// makes nothing later after it.
    fn done_at(&self, now: Instant) -> Instant {
        let Some(workers) = &self.workers else { return now + self.time };
        let mut workers = workers.lock().unwrap_or_else(PoisonError::into_inner);
        match workers.iter_mut().min() {
            Some(free_at) => {
                *free_at = now.max(*free_at) + self.time;
                *free_at
            }
            None => now + self.time,
        }
    }
}

impl From<Duration> for Work {
    fn from(time: Duration) -> Self {
        Self::new(time, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(workers: Option<u32>, comes_ms: &[u64]) -> Vec<u128> {
        let began = Instant::now() + Duration::from_secs(1);
        let work = Work::new(Duration::from_millis(10), workers);
        let done = |ms: &u64| work.done_at(began + Duration::from_millis(*ms)) - began;
        comes_ms.iter().map(done).map(|time| time.as_millis()).collect()
    }

    #[test]
    fn one_worker_does_one_update_after_the_other_and_makes_up_for_no_idle_time() {
        assert_eq!(done(Some(1), &[0, 0, 1, 100]), [10, 20, 30, 110]);
    }

    #[test]
    fn two_workers_do_two_at_once() {
        assert_eq!(done(Some(2), &[0, 0, 0, 0, 5]), [10, 10, 20, 20, 30]);
    }

    #[test]
    fn without_a_number_nobody_waits_for_another() {
        assert_eq!(done(None, &[0, 0, 0]), [10, 10, 10]);
        assert_eq!(done(Some(0), &[0, 0]), [10, 10]);
    }
}
