//! The thread that makes the updates and sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::backoff::exponential;
use common::reminder::Reminder;
use common::telemetry;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, Producer as _};
use tracing::Span;

use crate::client::{self, Client, Deliveries};
use crate::config::ProducerConfig;
use crate::error::ProducerError;
use crate::load::{Control, Turn};
use crate::market::Market;
use crate::record::Writer;
use crate::report;
use crate::topic;
use crate::trace::Tracer;
use crate::watch::Ticket;

/// How long an update waits for room in the client's queue before it is tried again.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(1);

/// How often it looks for the last acknowledgements when told to stop.
const SETTLING: Duration = Duration::from_millis(2);

/// A client that was refused is made anew after waits that grow from the first to the longest.
const FIRST_RENEWAL: Duration = Duration::from_millis(500);
const LONGEST_RENEWAL: Duration = Duration::from_secs(10);

/// While the right to write is missing, it is said again this often.
const REMINDER: Duration = Duration::from_secs(30);

/// Sends what [`Control`] asks for. Blocks: made for a thread of its own.
pub(crate) struct Sender {
    client: Client,
    config: ProducerConfig,
    control: Arc<Control>,
    topic_found: Arc<AtomicBool>,
    market: Market,
    /// Per stock, the partition it is fixed to.
    partitions: Vec<Option<i32>>,
    writer: Writer,
    tracer: Option<Tracer>,
}

impl Sender {
    pub(crate) fn new(
        client: Client,
        config: ProducerConfig,
        control: Arc<Control>,
        topic_found: Arc<AtomicBool>,
    ) -> Self {
        let market = Market::new(&config.symbols, config.distribution, config.seed);
        let listings = config.symbols.listings().iter();
        let partitions = listings.map(|listing| config.partition_map.get(listing.symbol)).collect();
        let writer = Writer::new(usize::try_from(config.record_bytes).unwrap_or(usize::MAX));
        let tracer = telemetry::is_tracing().then(|| Tracer::new(&config.topic, &config.client_id));
        Self { client, config, control, topic_found, market, partitions, writer, tracer }
    }

    /// Works until there is no more to send, or it is told to stop.
    pub(crate) fn run(mut self) -> Result<(), ProducerError> {
        if let Some(partitions) = self.find_topic()? {
            self.check_map(partitions)?;
            self.topic_found.store(true, Ordering::Relaxed);
            report::beginning(&self.config, partitions);
            self.control.begin();
            self.send_all()?;
            self.settle()?;
        }
        let (asked, totals) = (self.control.asked(), self.client.context().ledger.totals());
        if totals.acknowledged < asked {
            let (sent, acknowledged, failed) = (totals.sent, totals.acknowledged, totals.failed);
            return Err(ProducerError::Unacknowledged { asked, sent, acknowledged, failed });
        }
        Ok(())
    }

    /// Waits for the topic, and for the right to write to it, which may come later than the user; `None` if told to stop.
    /// Kafka tells of a missing right within a second of connecting; where the topic is seen before, sending begins, and a
    /// refusal then ends the process.
    fn find_topic(&mut self) -> Result<Option<i32>, ProducerError> {
        let mut waits = exponential(FIRST_RENEWAL, LONGEST_RENEWAL);
        let mut reminder = Reminder::every(REMINDER);
        loop {
            let found = topic::wait(&self.client, &self.config, &self.control);
            let Deliveries { connection, ledger, .. } = &**self.client.context();
            match found.and_then(|found| client::check(&self.client, &self.config).map(|()| found)) {
                // It has sent nothing yet, so nothing is lost with it.
                Err(ProducerError::Fatal(reason)) if client::is_refused(&self.client) => {
                    let topic = &self.config.topic;
                    let reason = format!("the producer's user needs the right Write on topic {topic}: {reason}");
                    if reminder.is_due() {
                        tracing::warn!("{reason}; trying on");
                    }
                    connection.set_obstacle(Some(reason));
                    if self.control.pause(waits.next().unwrap_or(LONGEST_RENEWAL)) {
                        return Ok(None);
                    }
                    let deliveries = Deliveries::new(Arc::clone(connection), Arc::clone(ledger));
                    self.client = client::connect(&self.config, deliveries)?;
                }
                found => {
                    if found.is_ok() {
                        connection.set_obstacle(None);
                    }
                    return found;
                }
            }
        }
    }

    fn send_all(&mut self) -> Result<(), ProducerError> {
        loop {
            let turn = self.control.next();
            client::check(&self.client, &self.config)?;
            match turn {
                Turn::Send(updates) => {
                    for place in 0..updates {
                        if !self.send_one(place == 0)? {
                            return Ok(());
                        }
                    }
                }
                Turn::Wait => {}
                Turn::Over(run) => report::ending(&run, &self.client.context().ledger.routes()),
                Turn::Stop => return Ok(()),
            }
        }
    }

    /// Sends one update, however long the queue is full; `false` if told to stop meanwhile.
    fn send_one(&mut self, timed: bool) -> Result<bool, ProducerError> {
        let Some(update) = self.market.next() else { return Ok(false) };
        let span = self.tracer.as_ref().map_or_else(Span::none, |tracer| tracer.begin(update.quote.symbol));
        let traceparent = self.tracer.as_ref().and_then(|_| telemetry::traceparent(&span));
        let deliveries = self.client.context();
        let place = match (timed, &traceparent) {
            (false, None) => None,
            (true, None) => deliveries.watches.begin(Span::none()),
            (_, Some(_)) => deliveries.watches.begin(span),
        };
        let ticket = Ticket::new(update.stock, place);
        let (value, headers) = self.writer.write(&update, traceparent.as_deref());
        let mut record = BaseRecord::with_opaque_to(&self.config.topic, ticket.encode())
            .key(update.quote.symbol.as_bytes())
            .payload(value)
            .headers(headers);
        record.partition = self.partitions.get(update.stock).copied().flatten();
        let mut waited = false;
        loop {
            match self.client.send(record) {
                Ok(()) => {
                    deliveries.ledger.sent();
                    return Ok(true);
                }
                // The topic may be made anew: like a full queue, that takes time and not an update.
                Err((
                    KafkaError::MessageProduction(
                        RDKafkaErrorCode::QueueFull
                        | RDKafkaErrorCode::UnknownTopic
                        | RDKafkaErrorCode::UnknownPartition,
                    ),
                    again,
                )) => {
                    if !waited {
                        deliveries.ledger.metrics().update_had_to_wait();
                        waited = true;
                    }
                    record = again;
                    client::check(&self.client, &self.config)?;
                    if self.control.pause(FULL_QUEUE_WAIT) {
                        return Ok(false);
                    }
                }
                Err((error, _)) => {
                    client::check(&self.client, &self.config)?;
                    return Err(error.into());
                }
            }
        }
    }

    /// Waits for the last acknowledgements, up to `SHUTDOWN_TIMEOUT`.
    fn settle(&self) -> Result<(), ProducerError> {
        let deadline = Instant::now() + self.config.shutdown_timeout;
        while !self.client.context().ledger.totals().settled() && Instant::now() < deadline {
            client::check(&self.client, &self.config)?;
            std::thread::sleep(SETTLING);
        }
        Ok(())
    }

    fn check_map(&self, partitions: i32) -> Result<(), ProducerError> {
        match self.config.partition_map.iter().find(|(_, partition)| *partition >= partitions) {
            Some((symbol, partition)) => {
                let topic = self.config.topic.clone();
                Err(ProducerError::NoSuchPartition { symbol, partition, topic, partitions })
            }
            None => Ok(()),
        }
    }
}
