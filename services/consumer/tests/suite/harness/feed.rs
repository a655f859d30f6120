//! Sends updates, and things that are none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use common::commit_metadata::now_ms;
use common::kafka::Brokers;
use consumer::record::sequence_header;
use rdkafka::ClientContext;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use testing::PATIENCE;

use super::Venue;

/// A sender with a sequence number per symbol.
pub(crate) struct Feed {
    producer: FutureProducer<Context>,
    brokers: Arc<Brokers>,
    bootstrap_servers: String,
    topic: String,
    prefix: char,
    sequences: HashMap<String, u64>,
    sent: u64,
    deliveries: Vec<DeliveryFuture>,
}

/// One that sends meanwhile.
pub(crate) struct RunningFeed {
    stop: oneshot::Sender<()>,
    feed: JoinHandle<Feed>,
}

impl RunningFeed {
    /// Waits until the broker has all of it; returns how many updates that were.
    pub(crate) async fn stop(self) -> u64 {
        // Where it has ended by itself, what it says of that comes next.
        let _ = self.stop.send(());
        self.feed.await.unwrap().sent()
    }
}

struct Context {
    brokers: Arc<Brokers>,
}

impl ClientContext for Context {
    fn stats_raw(&self, statistics: &[u8]) {
        self.brokers.statistics(statistics);
    }
}

impl Feed {
    pub(crate) fn new(venue: &Venue) -> Self {
        Self::of_symbols(venue, 'S')
    }

    /// A second sender beside the first has symbols of its own.
    pub(crate) fn of_symbols(venue: &Venue, prefix: char) -> Self {
        let brokers = Arc::<Brokers>::default();
        let producer = venue
            .client()
            .set("enable.idempotence", "true")
            .set("partitioner", "murmur2_random")
            .set("message.max.bytes", "2000000")
            .set("linger.ms", "5")
            .create_with_context(Context { brokers: Arc::clone(&brokers) })
            .unwrap();
        Self {
            producer,
            brokers,
            bootstrap_servers: venue.bootstrap_servers.clone(),
            topic: venue.topic.clone(),
            prefix,
            sequences: HashMap::new(),
            sent: 0,
            deliveries: Vec::new(),
        }
    }

    /// How many updates were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends `count` updates of so many symbols in turn, as fast as it can.
    pub(crate) async fn send(&mut self, count: u64, symbols: u64) {
        for _ in 0..count {
            self.update(symbols).await;
        }
        self.flush().await;
    }

    /// Sends updates of so many symbols at a rate until told to stop.
    pub(crate) fn start(venue: &Venue, rate: u32, symbols: u64) -> RunningFeed {
        let (stop, stopped) = oneshot::channel();
        RunningFeed { stop, feed: tokio::spawn(Self::new(venue).send_until(rate, symbols, stopped)) }
    }

    async fn send_until(mut self, rate: u32, symbols: u64, mut stop: oneshot::Receiver<()>) -> Self {
        let per_tick = u64::from(rate.div_ceil(100));
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while stop.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
            ticks.tick().await;
            for _ in 0..per_tick {
                self.update(symbols).await;
            }
        }
        self.flush().await;
        self
    }

    async fn update(&mut self, symbols: u64) {
        let symbol = format!("{}{}", self.prefix, self.sent % symbols);
        self.sent += 1;
        let sequence = self.sequences.entry(symbol.clone()).and_modify(|n| *n += 1).or_insert(1);
        let value = format!("{symbol}: ${}.{:02}", *sequence % 1000 + 1, *sequence % 100);
        let headers = sequence_header(*sequence);
        self.enqueue(Some(symbol.as_bytes()), Some(value.as_bytes()), headers).await;
    }

    /// Sends a record that may be anything.
    pub(crate) async fn raw(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.raw_with(key, value, OwnedHeaders::new()).await;
    }

    pub(crate) async fn raw_with(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, headers: OwnedHeaders) {
        self.sent += 1;
        self.enqueue(key, value, headers).await;
        self.flush().await;
    }

    async fn enqueue(&mut self, key: Option<&[u8]>, value: Option<&[u8]>, headers: OwnedHeaders) {
        let mut record = FutureRecord::to(&self.topic).headers(headers).timestamp(now_ms());
        (record.key, record.payload) = (key, value);
        let end = tokio::time::Instant::now() + PATIENCE;
        let delivery = loop {
            self.recall();
            match self.producer.send_result(record) {
                Ok(delivery) => break delivery,
                Err((error, refused)) => {
                    assert!(tokio::time::Instant::now() < end, "waited {PATIENCE:?} in vain to send: {error}");
                    record = refused;
                }
            }
            tokio::task::yield_now().await;
        };
        self.deliveries.push(delivery);
    }

    fn recall(&self) {
        self.brokers.recall(self.producer.client(), &self.bootstrap_servers);
    }

    /// Waits until the broker has all that was sent.
    async fn flush(&mut self) {
        let (mut looks, end) = (tokio::time::interval(Duration::from_secs(1)), tokio::time::Instant::now() + PATIENCE);
        for mut delivery in std::mem::take(&mut self.deliveries) {
            let sent = loop {
                tokio::select! {
                    sent = &mut delivery => break sent,
                    _ = looks.tick() => self.recall(),
                    () = tokio::time::sleep_until(end) => panic!("waited {PATIENCE:?} in vain for all to be sent"),
                }
            };
            sent.unwrap().unwrap();
        }
    }
}
