//! The span of an update from its sending to its acknowledgement, after OpenTelemetry's messaging conventions, 1.45.

use common::quote::Symbol;
use common::telemetry::TRACE_TARGET;
use tracing::Span;
use tracing::field::Empty;

/// What is the same in every span.
#[derive(Clone, Debug)]
pub(crate) struct Tracer {
    name: String,
    topic: String,
    client_id: String,
}

impl Tracer {
    pub(crate) fn new(topic: &str, client_id: &str) -> Self {
        Self { name: format!("send {topic}"), topic: topic.to_owned(), client_id: client_id.to_owned() }
    }

    /// Begins the span of an update.
    pub(crate) fn begin(&self, symbol: Symbol) -> Span {
        tracing::info_span!(
            target: TRACE_TARGET,
            "send",
            otel.name = self.name,
            otel.kind = "producer",
            otel.status_code = Empty,
            otel.status_description = Empty,
            messaging.system.name = "kafka",
            messaging.operation.name = "send",
            messaging.operation.type = "send",
            messaging.client.id = self.client_id,
            messaging.destination.name = self.topic,
            messaging.destination.partition.id = Empty,
            kafka.message.key = symbol.as_str(),
            kafka.offset = Empty,
        )
    }
}

/// Notes where an update arrived.
pub(crate) fn arrived(span: &Span, partition: i32, offset: i64) {
    if !span.is_disabled() {
        span.record("messaging.destination.partition.id", tracing::field::display(partition));
        span.record("kafka.offset", offset);
    }
}

/// Notes that an update did not arrive.
pub(crate) fn failed(span: &Span, reason: &dyn std::fmt::Display) {
    if !span.is_disabled() {
        span.record("otel.status_code", "error");
        span.record("otel.status_description", tracing::field::display(reason));
    }
}
