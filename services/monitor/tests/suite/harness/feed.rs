//! Sends updates to partitions of the test's choice.

use std::collections::HashMap;
use std::time::Duration;

use consumer::record::sequence_header;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use tokio::sync::oneshot;

use super::{Venue, now_ms};

/// A sender. Each partition has a symbol of its own.
pub(crate) struct Feed {
    producer: FutureProducer,
    topic: String,
    sequences: HashMap<i32, u64>,
}

impl Feed {
    pub(crate) fn new(venue: &Venue, topic: &str) -> Self {
        let producer = venue.client().set("linger.ms", "1").create().unwrap();
        Self { producer, topic: topic.to_owned(), sequences: HashMap::new() }
    }

    /// Sends `count` updates to a partition; they are in its log when this returns.
    pub(crate) async fn send(&mut self, partition: i32, count: u64) {
        self.send_dated(partition, count, now_ms()).await;
    }

    /// Sends updates as if they had been sent at another time.
    pub(crate) async fn send_dated(&mut self, partition: i32, count: u64, at_ms: u64) {
        for _ in 0..count {
            self.enqueue(partition, at_ms).await;
        }
        self.flush().await;
    }

    /// Sends so many updates per second to each of the first partitions, until told to stop.
    pub(crate) async fn send_until(mut self, rate: u64, partitions: i32, mut stop: oneshot::Receiver<()>) -> Self {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        let begun = tokio::time::Instant::now();
        let mut sent = 0;
        while stop.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
            ticks.tick().await;
            let due = u64::try_from(begun.elapsed().as_millis()).unwrap() * rate / 1000;
            for _ in sent..due {
                for partition in 0..partitions {
                    self.enqueue(partition, now_ms()).await;
                }
            }
            sent = due;
        }
        self.flush().await;
        self
    }

    async fn enqueue(&mut self, partition: i32, at_ms: u64) {
        let sequence = self.sequences.entry(partition).and_modify(|n| *n += 1).or_insert(1);
        let (symbol, cents) = (format!("S{partition}"), *sequence % 100);
        let value = format!("{symbol}: $1.{cents:02}");
        let record = FutureRecord::to(&self.topic).partition(partition).key(&symbol).payload(&value);
        let mut record = record.timestamp(i64::try_from(at_ms).unwrap()).headers(sequence_header(*sequence));
        while let Err((_, full)) = self.producer.send_result(record) {
            record = full;
            tokio::task::yield_now().await;
        }
    }

    async fn flush(&self) {
        let producer = self.producer.clone();
        tokio::task::spawn_blocking(move || producer.flush(Duration::from_secs(30)).unwrap()).await.unwrap();
        assert_eq!(self.producer.in_flight_count(), 0);
    }
}
