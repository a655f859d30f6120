//! What `/metrics` tells: made once a round, for however many may ask.

mod families;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use common::gzip;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};
use tokio::sync::watch;

use crate::reading::ErrorKind;
use crate::view::View;

/// What the monitor counts of its own work, and what it last told.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    round_seconds: Histogram,
    read_errors: IntCounterVec,
    told: watch::Sender<Exposition>,
}

/// The text, plain and compressed: a thousand partitions take a megabyte, or a tenth of it.
#[derive(Clone, Debug, Default)]
struct Exposition {
    plain: Bytes,
    gzip: Bytes,
}

impl Metrics {
    /// Counts from zero.
    ///
    /// # Errors
    /// Where a name is taken.
    pub(crate) fn new(groups: &[String]) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let round_seconds = Histogram::with_opts(
            HistogramOpts::new("monitor_round_seconds", "how long a round of reading took")
                .buckets(vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]),
        )?;
        let read_errors = IntCounterVec::new(
            Opts::new("monitor_read_errors_total", "what could not be read, by kind"),
            &["consumergroup", "kind"],
        )?;
        for group in groups {
            for kind in ErrorKind::ALL {
                read_errors.with_label_values(&[group.as_str(), kind.code()]);
            }
        }
        registry.register(Box::new(round_seconds.clone()))?;
        registry.register(Box::new(read_errors.clone()))?;
        let metrics = Self { registry, round_seconds, read_errors, told: watch::Sender::default() };
        metrics.tell(&View::default());
        Ok(metrics)
    }

    /// A round is over, and this is what it found.
    pub(crate) fn round_over(&self, took: Duration, view: &View) {
        self.round_seconds.observe(took.as_secs_f64());
        for group in &view.groups {
            for error in &group.errors {
                self.read_errors.with_label_values(&[group.group.as_str(), error.kind.code()]).inc();
            }
        }
        self.tell(view);
    }

    /// `/metrics`.
    pub(crate) fn route(&self) -> Router {
        let told = self.told.subscribe();
        Router::new().route("/metrics", get(async move |headers: HeaderMap| answer(&told.borrow(), &headers)))
    }

    fn tell(&self, view: &View) {
        // Names and labels are constants: nothing here can fail that has not failed in a test.
        if let Ok(exposition) = self.exposition(view) {
            self.told.send_replace(exposition);
        }
    }

    fn exposition(&self, view: &View) -> Result<Exposition, prometheus::Error> {
        let mut all = self.registry.gather();
        all.extend(families::of(view));
        let plain = TextEncoder::new().encode_to_string(&all)?;
        Ok(Exposition { gzip: gzip::compress(plain.as_bytes())?, plain: plain.into() })
    }
}

fn answer(told: &Exposition, headers: &HeaderMap) -> Response {
    let about = [(header::CONTENT_TYPE, prometheus::TEXT_FORMAT), (header::VARY, "accept-encoding")];
    if gzip::is_accepted(headers) {
        (about, [(header::CONTENT_ENCODING, "gzip")], told.gzip.clone()).into_response()
    } else {
        (about, told.plain.clone()).into_response()
    }
}
