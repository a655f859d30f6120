//! A consumer that keeps up: it takes part in a group, works on many symbols at once and on each in order,
//! commits only what is done, hands over without loss, and puts aside what never can be worked on.
//!
//! Data flows one way: [`member`] polls and hands each [`record`] out to its [`partition`]'s [`lane`]s, lanes run
//! the [`handler`], the [`watermark`] rises over what they finish, and the member commits it.

pub mod api;
pub mod assignment;
pub mod commit;
pub mod config;
pub mod context;
pub mod cursor;
pub mod dead_letters;
pub mod fetch;
pub mod gate;
pub mod handler;
pub mod lane;
pub mod member;
pub mod metrics;
pub mod outbound;
pub mod partition;
pub mod rebalance;
pub mod record;
pub mod rights;
pub mod sequence;
pub mod trace;
pub mod watermark;
pub mod window;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use common::http::{Server, probes};
use common::service::{EXIT_CONFIG, EXIT_FAILED, EXIT_FATAL, Service, ServiceError};
use common::telemetry::{Sampling, TelemetryConfig};
use prometheus::Registry;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use tokio::runtime::Handle;
use tokio::sync::oneshot::Receiver;
use tokio_util::sync::CancellationToken;

pub use config::Config;

use crate::assignment::Assignment;
use crate::context::{Context, Settings};
use crate::dead_letters::DeadLetters;
use crate::fetch::Fetch;
use crate::handler::{Forward, Handler, LatestPrices, Stocks, Work};
use crate::lane::Workshop;
use crate::member::{Member, View};
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::partition::Limits;

/// How long dead letters and forwarded updates that nobody waits for may take to be sent at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Why the consumer ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address for HTTP cannot be had.
    #[error("HTTP_ADDR={address}: it cannot be bound: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The HTTP server failed.
    #[error("the HTTP server failed: {0}")]
    Http(#[from] std::io::Error),
    /// The HTTP server's task ended by itself, which only a bug can bring about.
    #[error("the HTTP server ended before its time")]
    Server,
    /// A metric's name is taken.
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The Kafka client refuses its settings.
    #[error("the Kafka client refuses its settings: {0}")]
    Client(#[from] KafkaError),
    /// The Kafka client can never work again.
    #[error("the Kafka client cannot go on and has to be started anew: {0}")]
    Fatal(String),
    /// A lane ended by itself, which only a bug can bring about.
    #[error("a lane of partition {0} ended before its time")]
    Lane(i32),
    /// The thread that polls ended by itself, which only a bug can bring about.
    #[error("the thread that polls ended before its time")]
    Member,
}

impl ServiceError for Error {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Bind { .. } | Self::Client(_) => EXIT_CONFIG,
            Self::Http(_) | Self::Server | Self::Metrics(_) | Self::Lane(_) | Self::Member => EXIT_FAILED,
            Self::Fatal(_) => EXIT_FATAL,
        }
    }
}

/// A consumer that has bound its address and not joined yet.
pub struct Consumer<H: Handler = Stocks> {
    config: Config,
    server: Server,
    routes: Router,
    registry: Registry,
    outbound: Arc<Outbound>,
    handler: H,
}

impl Consumer {
    /// A consumer that does what the settings say: simulated work, latest prices, forwarding.
    ///
    /// # Errors
    /// Where the address cannot be had or the client refuses its settings.
    pub async fn bind(config: Config) -> Result<Self, Error> {
        let prices = Arc::new(LatestPrices::default());
        let routes = api::stocks(Arc::clone(&prices));
        let work = Work::new(config.work, config.workers);
        Self::bind_with(config, routes, |config, outbound| {
            let forward = |topic: &String| Forward::new(outbound, topic.clone(), config.client_id.clone());
            Stocks::new(work, prices, config.output_topic.as_ref().map(forward))
        })
        .await
    }
}

impl<H: Handler> Consumer<H> {
    /// A consumer that does something else with an update; `routes` are added to its HTTP side.
    ///
    /// # Errors
    /// Where the address cannot be had or the client refuses its settings.
    pub async fn bind_with(
        config: Config,
        routes: Router,
        handler: impl FnOnce(&Config, Arc<Outbound>) -> H,
    ) -> Result<Self, Error> {
        let address = config.http_addr;
        let outbound = Arc::new(Outbound::new(&config.kafka, &config.client_id)?);
        let handler = handler(&config, Arc::clone(&outbound));
        let server = Server::bind(address).await.map_err(|source| Error::Bind { address, source })?;
        Ok(Self { config, server, routes, registry: Registry::new(), outbound, handler })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Works until `shutdown`, then hands everything over within [`Config::shutdown_timeout`].
    ///
    /// # Errors
    /// Why it cannot go on.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { config, server, routes, registry, outbound, handler } = self;
        let metrics = Metrics::register(&registry)?;
        let exemplars = vec![metrics.exemplars()];
        let dead_letters = DeadLetters::new(
            Arc::clone(&outbound),
            config.dead_letter_topic.clone(),
            config.topic.clone(),
            config.group.clone(),
            config.client_id.clone(),
        );
        let workshop = Arc::new(Workshop {
            handler,
            dead_letters,
            metrics: metrics.clone(),
            topic: config.topic.clone(),
            group: config.group.clone(),
            member: config.client_id.clone(),
        });
        let limits = Limits { lanes: config.lanes, workers: config.workers, in_flight: config.max_in_flight as usize };
        let settings = Settings {
            topic: config.topic.clone(),
            group: config.group.clone(),
            member: config.client_id.clone(),
            drain_timeout: config.drain_timeout,
        };
        let assignment = Assignment::new(workshop, limits, Handle::current());
        let context = Context::new(settings, metrics.clone(), assignment);
        let consumer: BaseConsumer<Context<H>> = config.client().create_with_context(context)?;
        let fetch = Arc::new(Fetch::new(&consumer, &config.topic)?);
        consumer.context().state().fetch = Some(Arc::clone(&fetch));
        consumer.subscribe(&[&config.topic])?;
        tracing::info!(member = config.client_id, "joining group {} to read topic {}", config.group, config.topic);

        let view = View::default();
        let context = Arc::clone(consumer.context());
        let (stopping, sending) = (shutdown.clone(), Arc::clone(&outbound));
        let readiness = move || match stopping.is_cancelled() {
            true => Err("it is shutting down".to_owned()),
            false => context.readiness().and_then(|()| sending.readiness()),
        };
        let router = probes(Arc::new(readiness), registry, exemplars)
            .merge(api::assignment(&config.client_id, &config.group, &config.topic, Arc::clone(&view)))
            .merge(routes);
        let leave = shutdown.child_token();
        // HTTP outlives the member: how it hands over can be watched.
        let closing = CancellationToken::new();
        let servers = config.kafka.bootstrap_servers().to_owned();
        let interval = config.commit_interval;
        let member = Member::new(consumer, fetch, Arc::clone(&outbound), metrics, interval, servers, view);
        let mut member = spawn(member, leave.clone())?;
        let mut http = tokio::spawn(server.serve(router, closing.clone()));

        let mut served = None;
        let mut ended = None;
        tokio::select! {
            result = &mut member => ended = Some(result),
            result = &mut http => served = Some(result),
            () = shutdown.cancelled() => {}
        }
        leave.cancel();
        let ended = match ended {
            Some(ended) => ended,
            None => tokio::time::timeout(config.leave_timeout(), member).await.unwrap_or_else(|_| {
                tracing::warn!("the group did not let go in time: ending all the same");
                Ok(Ok(()))
            }),
        };
        closing.cancel();
        let served = match served {
            Some(served) => served,
            None => http.await,
        };
        // Best effort: nobody waits for what is left then, its offsets are not committed.
        let _ = tokio::task::spawn_blocking(move || outbound.flush(FLUSH_TIMEOUT)).await;
        ended.unwrap_or(Err(Error::Member))?;
        Ok(served.map_err(|_| Error::Server)??)
    }
}

/// Runs a member on a thread of its own: its callbacks block.
///
/// # Errors
/// Where the system has no thread for it.
fn spawn<H: Handler>(member: Member<H>, stop: CancellationToken) -> std::io::Result<Receiver<Result<(), Error>>> {
    let (ended, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new().name("member".to_owned()).spawn(move || {
        // Nobody listens any more where the end was not waited for.
        let _ = ended.send(member.run(&stop));
    })?;
    Ok(receiver)
}

impl Service for Consumer {
    const NAME: &'static str = "consumer";
    const SAMPLING: Sampling = Sampling::Followed;
    type Config = Config;
    type Error = Error;

    fn telemetry(config: &Config) -> &TelemetryConfig {
        &config.telemetry
    }

    async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
        Consumer::bind(config).await?.run(shutdown).await
    }
}
