//! What the tests stand on: a Kafka, groups that read it, a monitor that watches them, and patience.

mod broker;
mod contract;
mod events;
mod feed;
mod member;
mod process;
mod stranger;
mod venue;
mod watch;

use std::time::{Duration, Instant};

pub(crate) use broker::ControlledKafka;
pub(crate) use contract::Contract;
pub(crate) use events::Events;
pub(crate) use feed::Feed;
pub(crate) use member::{Member, MemberProcess};
pub(crate) use process::{MonitorProcess, Silence};
pub(crate) use stranger::Stranger;
pub(crate) use venue::Venue;
pub(crate) use watch::Watch;

/// How long anything may take that a test waits for.
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

/// The time of day, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(common::commit_metadata::now_ms()).unwrap()
}

/// Says that a test did not run; where `CI` is set and it should have, that is a failure.
pub(crate) fn not_run(name: &str, wanting: &str) {
    #[allow(clippy::print_stderr, reason = "what was not run is to be seen")]
    {
        eprintln!("NOT RUN: {name} needs {wanting}");
    }
}
