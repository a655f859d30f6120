//! Sends stock price updates, such as `AAPL: $189.45` keyed by `AAPL`: random walks, reproducible by a seed,
//! at a rate, in order per symbol, every one acknowledged or accounted for.
//!
//! [`App`] is the service: one thread generates and sends ([`load`] says how much and how fast), the Kafka
//! client's own thread counts the acknowledgements, HTTP shows and changes what goes on.

mod app;
mod client;
pub mod config;
mod error;
mod http;
mod ledger;
pub mod load;
pub mod market;
mod metrics;
mod pace;
pub mod partition_map;
mod random;
mod record;
mod report;
mod routing_metric;
mod sender;
mod topic;
mod trace;
pub mod universe;
mod watch;

pub use app::App;
pub use config::ProducerConfig;
pub use error::ProducerError;

use common::service::Service;
use common::telemetry::{Sampling, TelemetryConfig};
use tokio_util::sync::CancellationToken;

/// The producer, as a process runs it.
#[derive(Debug)]
pub struct Producer;

impl Service for Producer {
    const NAME: &'static str = "producer";
    const SAMPLING: Sampling = Sampling::Ratio;
    type Config = ProducerConfig;
    type Error = ProducerError;

    fn telemetry(config: &ProducerConfig) -> &TelemetryConfig {
        &config.telemetry
    }

    async fn run(config: ProducerConfig, shutdown: CancellationToken) -> Result<(), ProducerError> {
        run(config, shutdown).await
    }
}

/// Sends what the settings ask for, until it is sent and acknowledged or `shutdown`.
///
/// # Errors
/// Where the client or the HTTP server cannot be had, the client can never work again, or an update was not
/// acknowledged in the end.
pub async fn run(config: ProducerConfig, shutdown: CancellationToken) -> Result<(), ProducerError> {
    App::bind(config).await?.run(shutdown).await
}
