//! What the services' tests share. It panics where a test has to fail.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod collector;
mod docs;
pub mod processes;
mod scrape;

pub use collector::{Collector, attributes, hex};
pub use docs::assert_metrics_are_documented;
pub use opentelemetry_proto::tonic::trace::v1::Span;
pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
pub use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
pub use scrape::assert_scrape_is_cheap;
