//! What the services' tests share. It panics where a test has to fail.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod docs;
mod kafka;
mod patience;
pub mod processes;
mod scrape;

pub use collector::{Collector, attributes, hex};
pub use docs::assert_metrics_are_documented;
pub use kafka::ControlledKafka;
pub use opentelemetry_proto::tonic::trace::v1::Span;
pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
pub use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
pub use patience::{PATIENCE, eventually, for_a_time};
pub use scrape::assert_scrape_is_cheap;

/// Says that a test did not run, and what it needs for that.
#[allow(clippy::print_stderr, reason = "what was not run is to be seen")]
pub fn not_run(test: &str, needs: &str) {
    eprintln!("NOT RUN: {test} needs {needs}");
}
