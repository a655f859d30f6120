//! Traces: the spans that reach a collector, and the context that travels with the record.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

mod stage;

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message as _;
use stage::{Record, Stage};
use tokio::process::Command;

/// Runs the program to its end against a collector, and returns the spans that arrived there.
async fn spans(stage: &Stage, variables: &[(&str, &str)]) -> Vec<Span> {
    let received = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&received);
    let router = axum::Router::new().route(
        "/v1/traces",
        post(async move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            collected.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = tokio::spawn(async move { axum::serve(listener, router).await });

    let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
    command.env_clear().envs(stage.variables(variables)).env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let status = tokio::time::timeout(Duration::from_secs(30), command.status()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
    collector.abort();
    std::mem::take(&mut *received.lock().unwrap())
}

fn traceparent(record: &Record) -> Option<String> {
    let header = record.headers.iter().find(|(key, _)| key == "traceparent")?;
    Some(String::from_utf8(header.1.clone()).unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &Value| {
        if let Value::StringValue(text) = value { text.clone() } else { format!("{value:?}") }
    };
    let pairs = span.attributes.iter();
    pairs.map(|pair| (&*pair.key, text(pair.value.as_ref().unwrap().value.as_ref().unwrap()))).collect()
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
            ("messaging.system", "kafka"),
            ("messaging.operation.name", "send"),
            ("messaging.operation.type", "send"),
            ("messaging.client.id", "producer"),
            ("messaging.destination.name", &*stage.topic),
            ("messaging.destination.partition.id", &*record.partition.to_string()),
            ("messaging.kafka.message.key", &*record.key),
        ] {
            assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}: {attributes:?}");
        }
        assert!(attributes.contains_key("messaging.kafka.offset"), "{attributes:?}");
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
