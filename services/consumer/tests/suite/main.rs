//! The consumer through its front doors, over an embedded Kafka, or over the one that `KAFKA_BOOTSTRAP_SERVERS` names.
//! Tests that break a broker, or need its rights, start one of their own with the command that `KAFKA_CONTROL` names.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod broker_faults;
mod failure;
mod handlers;
mod harness;
mod poison;
mod pressure;
mod protocols;
mod rights;
mod scaling;
mod scrape;
mod sending;
mod settings;
mod shutdown;
mod telemetry;
