//! The Kafka client: its settings, and what it tells.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::kafka::Connection;
use common::reminder::Reminder;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

use crate::config::ProducerConfig;
use crate::error::ProducerError;
use crate::ledger::Ledger;
use crate::trace;
use crate::watch::{Ticket, Watches};

/// How many updates may wait in the client. At full speed the queue is always full, and one that outgrows the
/// processor's caches costs CPU time: with 100,000 about half as much again per update was measured.
const QUEUE_UPDATES: &str = "10000";

/// How many KiB of keys and values may wait there. Both together bound the memory however long the brokers are away;
/// the whole process was measured at 55 MB with 100-byte records at full speed.
const QUEUE_KIB: &str = "32768";

/// Refused updates are spoken of at most this often.
const REMINDER: Duration = Duration::from_secs(10);

/// The Kafka client. Its own thread counts the acknowledgements.
pub(crate) type Client = ThreadedProducer<Deliveries>;

/// Makes the client. It connects by itself, and again whenever it has to.
///
/// # Errors
/// Where the settings cannot work.
pub(crate) fn connect(config: &ProducerConfig, deliveries: Deliveries) -> Result<Client, KafkaError> {
    settings(config).create_with_context(deliveries)
}

/// Looks whether the client can still work, and helps it on where it knows no broker.
///
/// # Errors
/// Why it never will again.
pub(crate) fn check(client: &Client, config: &ProducerConfig) -> Result<(), ProducerError> {
    client.context().connection.brokers.recall(client.client(), config.kafka.bootstrap_servers());
    // Asked directly: what the client says by itself can come after the updates it gave up.
    client.client().fatal_error().map_or(Ok(()), |(_, reason)| Err(ProducerError::Fatal(reason)))
}

/// Whether the client ended because its user may not write to any topic: an idempotent one asks for its number before it
/// has anything to send.
pub(crate) fn is_refused(client: &Client) -> bool {
    client.client().fatal_error().is_some_and(|(code, _)| code == RDKafkaErrorCode::ClusterAuthorizationFailed)
}

fn settings(config: &ProducerConfig) -> ClientConfig {
    let mut settings = config.kafka.client(&config.client_id);
    settings
        // Implies acks=all: nothing is lost, doubled or overtaken by its successor.
        .set("enable.idempotence", "true")
        // Never given up while this process lives.
        .set("message.timeout.ms", "0")
        .set("partitioner", "murmur2_random")
        .set("compression.type", "lz4")
        .set("linger.ms", "5")
        .set("queue.buffering.max.messages", QUEUE_UPDATES)
        .set("queue.buffering.max.kbytes", QUEUE_KIB)
        // A topic that is missing is waited for, not made by accident.
        .set("allow.auto.create.topics", "false");
    settings
}

/// What is done with what the client tells.
#[derive(Debug)]
pub(crate) struct Deliveries {
    pub(crate) connection: Arc<Connection>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) watches: Watches,
    /// Of refused updates.
    reminder: Mutex<Reminder>,
}

impl Deliveries {
    pub(crate) fn new(connection: Arc<Connection>, ledger: Arc<Ledger>) -> Self {
        Self { connection, ledger, watches: Watches::default(), reminder: Mutex::new(Reminder::every(REMINDER)) }
    }

    fn refused(&self, stock: usize, error: &KafkaError) {
        self.ledger.failed();
        // What is given up at the end is told in the end.
        if let Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) = error.rdkafka_error_code() {
            return;
        }
        if self.reminder.lock().unwrap_or_else(PoisonError::into_inner).is_due() {
            let symbol = self.ledger.symbol(stock).map_or_else(String::new, |symbol| format!(" of {symbol}"));
            tracing::error!("Kafka refused an update{symbol}: {error}");
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.connection.log(level, facility, message);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.connection.statistics(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.connection.error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    /// An encoded [`Ticket`].
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        let ticket = Ticket::decode(ticket);
        match result {
            Ok(message) => self.ledger.acknowledged(ticket.stock, message.partition()),
            Err((error, _)) => self.refused(ticket.stock, error),
        }
        if let Some(watched) = self.watches.end(ticket) {
            match result {
                Ok(message) => {
                    self.ledger.metrics().acknowledged_after(watched.since.elapsed());
                    trace::arrived(&watched.span, message.partition(), message.offset());
                }
                Err((error, _)) => trace::failed(&watched.span, error),
            }
        }
    }
}
