//! Logs for people and programs; traces for whoever wants to follow one update.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::Deserialize;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{EnvFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::config::{Variable, from_str};
use crate::quote::TRACEPARENT_HEADER;

/// The target of spans that are exported; log lines have others.
pub const TRACE_TARGET: &str = "trace";

/// How long the last spans may take to be handed over at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

static TRACING: AtomicBool = AtomicBool::new(false);

/// The variables of [`TelemetryConfig`].
pub const TELEMETRY_VARIABLES: &[Variable] = &[
    Variable {
        name: "RUST_LOG",
        default: Some("info"),
        expected: "a filter such as info or consumer=debug,info",
        about: "what is logged",
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        default: Some(""),
        expected: "http://HOST:PORT (OTLP over HTTP, usually port 4318)",
        about: "where traces go; none are made without it",
    },
    Variable {
        name: "OTEL_TRACES_SAMPLER_ARG",
        default: Some("0.01"),
        expected: "a ratio from 0 to 1",
        about: "how many of the updates sent are traced",
    },
];

/// What is logged, and where traces go. Made to be flattened into a service's own struct.
#[derive(Clone, Debug, Deserialize)]
pub struct TelemetryConfig {
    #[serde(default = "default_filter")]
    rust_log: String,
    otel_exporter_otlp_endpoint: Option<String>,
    #[serde(default = "default_ratio", deserialize_with = "from_str")]
    otel_traces_sampler_arg: f64,
}

fn default_filter() -> String {
    "info".to_owned()
}

fn default_ratio() -> f64 {
    0.01
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self { rust_log: default_filter(), otel_exporter_otlp_endpoint: None, otel_traces_sampler_arg: default_ratio() }
    }
}

impl TelemetryConfig {
    /// Looks for values that cannot be used.
    ///
    /// # Errors
    /// The variable and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        EnvFilter::try_new(&self.rust_log).map_err(|error| ("RUST_LOG", error.to_string()))?;
        if self.otel_exporter_otlp_endpoint.as_ref().is_some_and(|endpoint| !endpoint.starts_with("http://")) {
            return Err(("OTEL_EXPORTER_OTLP_ENDPOINT", "it does not begin with http://".to_owned()));
        }
        if !(0.0..=1.0).contains(&self.otel_traces_sampler_arg) {
            return Err(("OTEL_TRACES_SAMPLER_ARG", "it is outside 0 to 1".to_owned()));
        }
        Ok(())
    }
}

/// Which spans a service begins by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// The configured ratio of them.
    Ratio,
    /// Each one it makes: it makes them only for what another service sampled.
    Followed,
}

/// The running telemetry of a process.
#[derive(Debug)]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

/// Starts logs and, with an endpoint, traces, for the whole process: once, in `main`.
///
/// # Errors
/// Where the exporter cannot be made or telemetry has been started before.
pub fn start(service: &'static str, config: &TelemetryConfig, sampling: Sampling) -> Result<Telemetry, String> {
    let filter = EnvFilter::try_new(&config.rust_log).map_err(|error| error.to_string())?;
    let logs = if std::io::stdout().is_terminal() {
        fmt::layer().with_target(false).boxed()
    } else {
        fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
    };
    let provider = match &config.otel_exporter_otlp_endpoint {
        Some(endpoint) => Some(provider(service, endpoint, config.otel_traces_sampler_arg, sampling)?),
        None => None,
    };
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(service))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TRACE_TARGET, tracing::Level::INFO))
    });
    TRACING.store(provider.is_some(), Ordering::Relaxed);
    tracing_subscriber::registry()
        .with(traces)
        .with(logs.with_filter(filter))
        .try_init()
        .map_err(|error| error.to_string())?;
    Ok(Telemetry { provider })
}

fn provider(
    service: &'static str,
    endpoint: &str,
    ratio: f64,
    sampling: Sampling,
) -> Result<SdkTracerProvider, String> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(FLUSH_TIMEOUT)
        .build()
        .map_err(|error| format!("no exporter for traces: {error}"))?;
    let sampler = match sampling {
        Sampling::Ratio => Sampler::TraceIdRatioBased(ratio),
        Sampling::Followed => Sampler::AlwaysOn,
    };
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(Resource::builder().with_service_name(service).build())
        .build())
}

impl Telemetry {
    /// Hands over the last spans, within two seconds.
    pub fn stop(self) {
        if let Some(provider) = self.provider
            && let Err(error) = provider.shutdown_with_timeout(FLUSH_TIMEOUT)
        {
            tracing::warn!("the last traces were not handed over: {error}");
        }
    }
}

/// Whether spans are exported. While they are not, none should be made: that is what keeps them free.
#[must_use]
pub fn is_tracing() -> bool {
    TRACING.load(Ordering::Relaxed)
}

/// The `traceparent` of a span, for a record's header; `None` if the span is not sampled.
#[must_use]
pub fn traceparent(span: &tracing::Span) -> Option<String> {
    struct Header(Option<String>);
    impl Injector for Header {
        fn set(&mut self, key: &str, value: String) {
            if key == TRACEPARENT_HEADER {
                self.0 = Some(value);
            }
        }
    }
    let context = span.context();
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut header = Header(None);
    TraceContextPropagator::new().inject_context(&context, &mut header);
    header.0
}

/// The id of the trace that a span is part of, in hexadecimal; `None` if the span is not sampled.
#[must_use]
pub fn trace_id(span: &tracing::Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_sampled().then(|| span.trace_id().to_string())
}

/// Links a span to the one whose `traceparent` a record carries.
pub fn follow(span: &tracing::Span, traceparent: &str) {
    struct Header<'a>(&'a str);
    impl Extractor for Header<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            (key == TRACEPARENT_HEADER).then_some(self.0)
        }
        fn keys(&self) -> Vec<&str> {
            vec![TRACEPARENT_HEADER]
        }
    }
    let context = TraceContextPropagator::new().extract(&Header(traceparent));
    span.add_link(context.span().span_context().clone());
}

/// Whether a `traceparent` (`00-TRACE-SPAN-FLAGS`) belongs to a sampled span.
#[must_use]
pub fn is_sampled(traceparent: &str) -> bool {
    let flags = traceparent.rsplit('-').next().and_then(|flags| u8::from_str_radix(flags, 16).ok());
    traceparent.len() == 55 && flags.is_some_and(|flags| flags & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_sampled_traceparent_is_followed() {
        assert!(is_sampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        assert!(!is_sampled("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"));
        assert!(!is_sampled("01"));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(text: String) {
            let _ = is_sampled(&text);
            follow(&tracing::Span::none(), &text);
        }
    }
}
