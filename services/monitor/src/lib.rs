//! Tells, for any consumer group and without joining it, how far behind it is in records and in seconds, who owns
//! what, and how many consumers it needs and why.
//!
//! Data flows one way: [`rounds`] lets the [`reader`] read a [`reading::Round`], each `group` takes in what is its own
//! and asks the planner, and the [`view::View`] that comes of it is shown by the [`api`], as metrics, and to autoscalers by
//! the [`external_metrics`].

pub mod api;
mod autoscalers;
pub mod config;
mod decisions;
mod error;
mod events;
pub mod external_metrics;
mod group;
pub mod groups;
mod history;
mod members;
mod metrics;
mod page;
mod partition;
mod pauses;
pub mod reader;
pub mod reading;
mod rebalances;
pub mod rounds;
mod smoothed;
mod symbols;
pub mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use common::http::{Server, health};
use common::kafka::Connection;
use common::service::Service;
use common::telemetry::{Sampling, TelemetryConfig};
use futures_util::{FutureExt as _, TryFutureExt as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use decisions::Decision;
pub use error::Error;
pub use partition::ConditionCode;
pub use rebalances::{Cause, Move, Rebalance};

use crate::autoscalers::Numbers;
use crate::external_metrics::ExternalMetrics;
use crate::group::Group;
use crate::metrics::Metrics;
use crate::reader::Reader;
use crate::rounds::{NO_ROUND, Rounds, Shown};
use crate::symbols::Symbols;
use crate::view::View;

/// A monitor that has bound its address and not read yet.
pub struct Monitor {
    config: Config,
    server: Server,
    external_metrics: Option<ExternalMetrics<Numbers>>,
    show: watch::Sender<Arc<View>>,
    shown: Shown,
}

impl Monitor {
    /// Binds the addresses.
    ///
    /// # Errors
    /// Where one cannot be had, or the external metrics API cannot be served.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        let (show, shown) = Shown::new();
        let external_metrics = match config.metrics_api() {
            Some(settings) => {
                let numbers = Numbers::new(shown.clone(), config.groups.clone());
                let cluster = external_metrics::cluster().await?;
                Some(ExternalMetrics::bind(settings, cluster, Arc::new(numbers)).await?)
            }
            None => None,
        };
        let address = config.http_addr;
        let server = Server::bind(address).await.map_err(|source| Error::Bind { address, source })?;
        Ok(Self { config, server, external_metrics, show, shown })
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
        let Self { config, server, external_metrics, show, shown } = self;
        let names: Vec<String> = config.groups.iter().map(|watched| watched.group.clone()).collect();
        let metrics = Metrics::new(&names)?;
        let metrics_route = metrics.route();
        let connection = Arc::new(Connection::default());
        let groups = config.groups.iter().map(|watched| Group::new(watched.clone(), config.planner())).collect();
        let watched: Vec<_> = config.groups.iter().map(ToString::to_string).collect();
        tracing::info!("watching {}", watched.join(", "));
        let reader = Reader::new(&config.kafka, config.groups.clone(), config.read_timeout, Arc::clone(&connection))?;
        let symbols = Symbols::new(config.producer_url.as_ref())?;
        let rounds = Rounds::new(reader, groups, config.interval, connection, metrics, (show, &shown));

        // Not that Kafka answers: that it does not is what the monitor is there to tell.
        let has_read = shown.clone();
        let readiness = move || match has_read.now().rounds {
            0 => Err(NO_ROUND.to_owned()),
            _ => Ok(()),
        };
        let stop = shutdown.child_token();
        let router = health(Arc::new(readiness)).merge(metrics_route).merge(page::routes()).merge(api::routes(
            shown,
            symbols,
            stop.clone(),
        ));
        let mut tasks: JoinSet<Result<(), Error>> = JoinSet::new();
        tasks.spawn(rounds.run(stop.clone()));
        tasks.spawn(server.serve(router, stop.clone()).map_err(Error::from));
        if let Some(external_metrics) = external_metrics {
            tasks.spawn(external_metrics.run(stop.clone()).map(Ok));
        }
        // Whichever ends first ends the others.
        let mut result = Ok(());
        while let Some(ended) = tasks.join_next().await {
            stop.cancel();
            result = result.and(ended.map_err(Error::from).flatten());
        }
        result
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
