//! What the tests stand on: a Kafka, members of a group, a sender, and patience.

mod feed;
mod member;
mod venue;

use std::time::{Duration, Instant};

pub(crate) use feed::Feed;
pub(crate) use member::{Member, MemberProcess};
pub(crate) use venue::{ControlledKafka, Venue};

/// How long a group may take to do what a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives something; panics with what it waited for if it never does.
pub(crate) async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    loop {
        ticks.tick().await;
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for: {what}");
    }
}

/// Lets that much time pass, where time itself is what a test is about.
pub(crate) async fn for_a_time(time: Duration) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + time, time);
    ticks.tick().await;
}
