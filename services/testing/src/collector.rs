//! A collector of traces: OTLP over HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Takes spans until it is dropped.
#[derive(Debug)]
pub struct Collector {
    endpoint: String,
    received: Arc<Mutex<Vec<Span>>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&received);
        let take = async move |body: Bytes| {
            let request = ExportTraceServiceRequest::decode(body).expect("an export request");
            let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
            collected.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", post(take));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, received, server }
    }

    /// For `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The spans that have come so far.
    ///
    /// # Panics
    /// Where the collector itself has.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A span's attributes, as text.
#[must_use]
pub fn attributes(span: &Span) -> BTreeMap<&str, String> {
    #[allow(clippy::wildcard_enum_match_arm, reason = "the other kinds are only looked at when a test fails")]
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::DoubleValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |pair: &'_ opentelemetry_proto::tonic::common::v1::KeyValue| {
        pair.value.as_ref().and_then(|value| value.value.as_ref()).map(text).unwrap_or_default()
    };
    span.attributes.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
}

/// Bytes as trace ids are written.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
