//! What the tests stand on: a Kafka, members of a group, and a sender.

mod feed;
mod member;
mod venue;

pub(crate) use feed::Feed;
pub(crate) use member::{Member, MemberProcess};
pub(crate) use venue::Venue;
