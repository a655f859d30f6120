//! Traces: the spans that reach a collector, and the context that travels with the record.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod stage;

use std::process::Stdio;
use std::time::Duration;

use stage::{Record, Stage};
use testing::{Collector, Span, SpanKind, attributes, hex};
use tokio::process::Command;

/// Runs the program to its end against a collector, and returns the spans that arrived there.
async fn spans(stage: &Stage, variables: &[(&str, &str)]) -> Vec<Span> {
    let collector = Collector::start().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
    command.env_clear().envs(stage.variables(variables)).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint());
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let status = tokio::time::timeout(Duration::from_secs(30), command.status()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    collector.spans()
}

fn traceparent(record: &Record) -> Option<String> {
    let header = record.headers.iter().find(|(key, _)| key == "traceparent")?;
    Some(String::from_utf8(header.1.clone()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sampled_update_has_a_span_that_its_record_carries() {
    let stage = Stage::new(3).await;
    let spans = spans(&stage, &[("UPDATES", "50"), ("OTEL_TRACES_SAMPLER_ARG", "1")]).await;
    let records = stage.records();
    assert_eq!((spans.len(), records.len()), (50, 50));
    for record in &records {
        let traceparent = traceparent(record).unwrap();
        let carried = |span: &&Span| traceparent == format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
        let span = spans.iter().find(carried).expect("the record's span has arrived");
        assert_eq!(span.name, format!("send {}", stage.topic));
        assert_eq!(span.kind(), SpanKind::Producer);
        let attributes = attributes(span);
        for (name, value) in [
            ("messaging.system.name", "kafka"),
            ("messaging.operation.name", "send"),
            ("messaging.operation.type", "send"),
            ("messaging.client.id", "producer"),
            ("messaging.destination.name", &*stage.topic),
            ("messaging.destination.partition.id", &*record.partition.to_string()),
            ("kafka.message.key", &*record.key),
        ] {
            assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}: {attributes:?}");
        }
        assert!(attributes.contains_key("kafka.offset"), "{attributes:?}");
        assert!(span.end_time_unix_nano > span.start_time_unix_nano, "it ends with the acknowledgement");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_sampled_updates_carry_a_context() {
    let stage = Stage::new(3).await;
    let spans = spans(&stage, &[("UPDATES", "1000"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")]).await;
    let carrying = stage.records().iter().filter(|record| traceparent(record).is_some()).count();
    assert_eq!(spans.len(), carrying);
    // A tenth, give or take five standard deviations.
    assert!((53..=147).contains(&carrying), "{carrying}");
}
