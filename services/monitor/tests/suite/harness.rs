//! What the tests stand on: a Kafka, groups that read it, and a monitor that watches them.

mod contract;
mod events;
mod feed;
mod member;
mod process;
mod stranger;
mod venue;
mod watch;

pub(crate) use contract::Contract;
pub(crate) use events::Events;
pub(crate) use feed::Feed;
pub(crate) use member::{Member, MemberProcess};
pub(crate) use process::{MonitorProcess, Silence};
pub(crate) use stranger::Stranger;
pub(crate) use venue::Venue;
pub(crate) use watch::Watch;

/// The time of day, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(common::commit_metadata::now_ms()).unwrap()
}
