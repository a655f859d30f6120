//! The span of an update's work, linked to the one that sent it.

use std::time::Instant;

use common::commit_metadata::now_ms;
use common::telemetry::{TRACE_TARGET, follow};
use tracing::field::Empty;

use crate::lane::Workshop;
use crate::record::{Reason, Update};

/// What a traced update carries on its way to its lane.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The W3C context of the span that sent it.
    pub traceparent: String,
    /// The id of the trace that its work is part of, once it has begun.
    pub id: Option<String>,
    /// When it was handed out, to tell how long it waited for its lane.
    pub handed_out: Instant,
}

/// A span after OpenTelemetry's conventions for messaging, 1.45: `process TOPIC`, linked to its producer's.
#[must_use]
pub fn process<H>(workshop: &Workshop<H>, update: &Update, trace: &Trace) -> tracing::Span {
    let span = tracing::info_span!(
        target: TRACE_TARGET,
        "process",
        otel.name = format!("process {}", workshop.topic),
        otel.kind = "consumer",
        otel.status_code = Empty,
        otel.status_description = Empty,
        error.type = Empty,
        messaging.system.name = "kafka",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = workshop.topic,
        messaging.destination.partition.id = update.partition.to_string(),
        kafka.offset = update.offset,
        kafka.message.key = update.quote.symbol.as_str(),
        messaging.consumer.group.name = workshop.group,
        messaging.client.id = workshop.member,
        lagless.delay_ms = now_ms().saturating_sub(update.timestamp_ms),
        lagless.lane_wait_ms = trace.handed_out.elapsed().as_secs_f64() * 1000.0,
        lagless.retries = Empty,
    );
    follow(&span, &trace.traceparent);
    span
}

/// Notes that an update can never be worked on.
pub fn rejected(span: &tracing::Span, why: &str) {
    span.record("otel.status_code", "error");
    span.record("otel.status_description", why);
    span.record("error.type", Reason::REJECTED);
}
