//! The monitor through its front door, over an embedded Kafka, or over the one that `KAFKA_BOOTSTRAP_SERVERS` names.
//! Tests that break a broker start one of their own with the command that `KAFKA_CONTROL` names.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod contract;
mod decisions;
mod ends;
mod groups;
mod harness;
mod logs;
mod members;
mod metrics;
mod outages;
mod rights;
mod settings;
mod strangers;
mod stream;
