//! The service: bound, then run until done or told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::http::{Readiness, Server, probes};
use common::kafka::Connection;
use prometheus::Registry;
use tokio_util::sync::CancellationToken;

use crate::client::{self, Client, Deliveries};
use crate::config::ProducerConfig;
use crate::error::ProducerError;
use crate::http::{self, Shown};
use crate::ledger::Ledger;
use crate::load::Control;
use crate::metrics::Metrics;
use crate::routing_metric;
use crate::sender::Sender;

/// A producer that is bound and not running yet.
pub struct App {
    server: Server,
    registry: Registry,
    config: ProducerConfig,
    connection: Arc<Connection>,
    ledger: Arc<Ledger>,
    client: Client,
}

impl App {
    /// Makes the Kafka client and binds the HTTP address.
    ///
    /// # Errors
    /// Where one of them cannot be had.
    pub async fn bind(config: ProducerConfig) -> Result<Self, ProducerError> {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry)?;
        let symbols = config.symbols.listings().iter().map(|listing| listing.symbol).collect();
        let ledger = Arc::new(Ledger::new(symbols, metrics));
        routing_metric::register(&registry, Arc::clone(&ledger))?;
        let connection = Arc::new(Connection::default());
        let client = client::connect(&config, Deliveries::new(Arc::clone(&connection), Arc::clone(&ledger)))?;
        let server = Server::bind(config.http_addr).await.map_err(ProducerError::Listen)?;
        Ok(Self { server, registry, config, connection, ledger, client })
    }

    /// The address that HTTP is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Sends what the settings and `PUT /load` ask for, until it is sent and acknowledged or `shutdown`.
    ///
    /// # Errors
    /// Where the client can never work again, HTTP fails, or an update was not acknowledged in the end.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ProducerError> {
        let Self { server, registry, config, connection, ledger, client } = self;
        let control = Arc::new(Control::new(Arc::clone(&ledger), config.rate, config.updates, config.stay));
        let topic_found = Arc::new(AtomicBool::new(false));
        let shown = Shown { topic: config.topic.as_str().into(), ledger, control: Arc::clone(&control) };
        let readiness = readiness(connection, Arc::clone(&topic_found), &config.topic);
        let router = probes(readiness, registry, Vec::new()).merge(http::routes(shown));

        // HTTP outlives the sender: how it ends can be watched.
        let closing = CancellationToken::new();
        let _closing = closing.clone().drop_guard();
        let mut http = tokio::spawn(server.serve(router, closing.clone()));
        let _stopping = StopOnDrop(Arc::clone(&control));
        let sender = Sender::new(client, config, Arc::clone(&control), topic_found);
        let mut sender = tokio::task::spawn_blocking(move || sender.run());

        let mut served = None;
        let sent = tokio::select! {
            sent = &mut sender => sent,
            result = &mut http => {
                served = Some(result);
                control.stop();
                sender.await
            }
            () = shutdown.cancelled() => {
                control.stop();
                sender.await
            }
        };
        closing.cancel();
        let served = match served {
            Some(result) => result,
            None => http.await,
        };
        served?.map_err(ProducerError::Http)?;
        sent?
    }
}

/// Stops the sender with what runs it: its thread would go on alone, and a runtime waits for its threads.
struct StopOnDrop(Arc<Control>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Ready while a broker answers and the topic is there.
fn readiness(connection: Arc<Connection>, topic_found: Arc<AtomicBool>, topic: &str) -> Readiness {
    let waiting = format!("waiting for topic {topic}");
    Arc::new(move || match connection.problem() {
        Some(problem) => Err(problem),
        None if !topic_found.load(Ordering::Relaxed) => Err(waiting.clone()),
        None => Ok(()),
    })
}
