//! The HTTP side every service has: liveness, readiness, metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use crate::gzip;
use crate::open_metrics::{self, Exemplars};

/// A request that takes longer is answered with 503.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long requests that are being answered may still take when the service ends.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(1);

/// The largest request body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Metrics are not the same for everyone.
const VARIES: (HeaderName, &str) = (header::VARY, "accept");

/// Says whether the service can do its job now, and if not, why.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A bound address, not served yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds `address` and says so in the log; with port 0 the system chooses one.
    ///
    /// # Errors
    /// Where the address cannot be had.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "listening");
        Ok(Self { listener, address })
    }

    /// The address that was bound.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests until `shutdown`, then gives those under way a second.
    ///
    /// # Errors
    /// Where the listener fails.
    pub async fn serve(self, router: Router, shutdown: CancellationToken) -> std::io::Result<()> {
        let router = router
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
            .layer(DefaultBodyLimit::max(BODY_LIMIT));
        let closing = shutdown.clone();
        let server = axum::serve(self.listener, router).with_graceful_shutdown(closing.cancelled_owned());
        tokio::select! {
            result = server => result,
            () = async { shutdown.cancelled().await; tokio::time::sleep(CLOSING_TIMEOUT).await; } => Ok(()),
        }
    }
}

/// `/livez`, `/readyz` and `/metrics`, compressed for whoever takes it so, and with exemplars of these histograms for
/// whoever asks for OpenMetrics.
pub fn probes(readiness: Readiness, registry: Registry, exemplars: Vec<Exemplars>) -> Router {
    let metrics = get(async move |headers: HeaderMap| metrics(&headers, &registry, &exemplars));
    health(readiness).route("/metrics", metrics.layer(from_fn(gzip::layer)))
}

/// `/livez` and `/readyz`. Liveness never asks after others: a restart does not bring a broker back.
pub fn health(readiness: Readiness) -> Router {
    Router::new().route("/livez", get(async || "ok\n")).route(
        "/readyz",
        get(async move || match readiness() {
            Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        }),
    )
}

fn metrics(headers: &HeaderMap, registry: &Registry, exemplars: &[Exemplars]) -> Response {
    let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if open_metrics::is_wanted(&accepted.join(",")) {
        let text = open_metrics::encode(&registry.gather(), exemplars);
        return ([(header::CONTENT_TYPE, open_metrics::CONTENT_TYPE), VARIES], text).into_response();
    }
    let encoder = TextEncoder::new();
    match encoder.encode_to_string(&registry.gather()) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT), VARIES], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
