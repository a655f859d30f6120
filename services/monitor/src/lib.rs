//! Tells, for any consumer group and without joining it, how far behind it is in records and in seconds, who owns
//! what, and how many consumers it needs and why.
//!
//! Data flows one way: [`rounds`] lets the [`reader`] read a [`reading::Round`], each `group` takes in what is its own
//! and asks the planner, and the [`view::View`] that comes of it is shown by the [`api`], as metrics, and to
//! autoscalers.

pub mod api;
pub mod config;
mod decisions;
mod error;
mod events;
mod group;
pub mod groups;
mod history;
mod members;
mod metrics;
mod partition;
mod pauses;
pub mod reader;
pub mod reading;
pub mod rounds;
mod smoothed;
pub mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use common::http::{Server, health};
use common::kafka::Connection;
use common::service::Service;
use common::telemetry::{Sampling, TelemetryConfig};
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use decisions::Decision;
pub use error::Error;
pub use partition::ConditionCode;

use crate::group::Group;
use crate::metrics::Metrics;
use crate::reader::Reader;
use crate::rounds::{Rounds, Shown};

/// A monitor that has bound its address and not read yet.
pub struct Monitor {
    config: Config,
    server: Server,
}

impl Monitor {
    /// Binds the HTTP address.
    ///
    /// # Errors
    /// Where it cannot be had.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        let address = config.http_addr;
        let server = Server::bind(address).await.map_err(|source| Error::Bind { address, source })?;
        Ok(Self { config, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Reads and tells until `shutdown`.
    ///
    /// # Errors
    /// Why it cannot go on.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { config, server } = self;
        let names: Vec<String> = config.groups.iter().map(|watched| watched.group.clone()).collect();
        let (show, shown) = Shown::new();
        let metrics = Metrics::new(&names)?;
        let metrics_route = metrics.route();
        let connection = Arc::new(Connection::default());
        let groups = config.groups.iter().map(|watched| Group::new(watched.clone(), config.planner())).collect();
        let watched: Vec<_> = config.groups.iter().map(ToString::to_string).collect();
        tracing::info!("watching {}", watched.join(", "));
        let reader = Reader::new(&config.kafka, config.groups.clone(), config.read_timeout, Arc::clone(&connection))?;
        let rounds = Rounds::new(reader, groups, config.interval, connection, metrics, (show, &shown));

        // Not that Kafka answers: that it does not is what the monitor is there to tell.
        let has_read = shown.clone();
        let readiness = move || match has_read.now().rounds {
            0 => Err("the first round of reading is not over yet".to_owned()),
            _ => Ok(()),
        };
        let stop = shutdown.child_token();
        let router = health(Arc::new(readiness)).merge(metrics_route).merge(api::routes(shown, stop.clone()));
        let mut rounds = tokio::spawn(rounds.run(stop.clone()));
        let mut http = tokio::spawn(server.serve(router, stop.clone()));
        // Whichever ends first ends the other.
        tokio::select! {
            result = &mut rounds => {
                stop.cancel();
                http.await??;
                result?
            }
            result = &mut http => {
                stop.cancel();
                rounds.await??;
                Ok(result??)
            }
        }
    }
}

impl Service for Monitor {
    const NAME: &'static str = "monitor";
    const SAMPLING: Sampling = Sampling::Followed;
    type Config = Config;
    type Error = Error;

    fn telemetry(config: &Config) -> &TelemetryConfig {
        &config.telemetry
    }

    async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
        Self::bind(config).await?.run(shutdown).await
    }
}
