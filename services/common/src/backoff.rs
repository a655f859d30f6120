//! How long to wait between attempts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Waits that double from `first` up to `longest`, with jitter so that many clients do not return at
/// once; they never end.
#[must_use]
pub fn exponential(first: Duration, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_never_end() {
        let waits: Vec<_> = exponential(Duration::from_millis(10), Duration::from_secs(1)).take(100).collect();
        assert_eq!(waits.len(), 100);
        assert!(waits[0] < Duration::from_millis(21));
        // Jitter adds up to one more wait.
        assert!(waits.iter().all(|wait| *wait <= Duration::from_secs(2)));
        assert!(waits[99] >= Duration::from_secs(1));
    }
}
