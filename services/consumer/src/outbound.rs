//! What the consumer itself sends: dead letters and forwarded updates.

use std::time::Duration;

use common::kafka::KafkaConfig;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

/// The largest message the client takes. The broker's topic may allow less.
const MAX_MESSAGE_BYTES: u32 = 16 * 1024 * 1024;

/// Most memory for what waits to be sent, in KiB.
const QUEUE_KIB: u32 = 32 * 1024;

/// A producer that never gives up on what it took, and keeps its order.
pub struct Outbound {
    producer: FutureProducer<Context>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}

struct Context;

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!("librdkafka, sending: {level:?} {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That the brokers are away, the consumer's own connection says already; the rest comes with the deliveries.
        tracing::debug!("sending: {error}: {reason}");
    }
}

impl Outbound {
    /// A producer in the name of `client_id`. Connects when there is something to send.
    ///
    /// # Errors
    /// Where the client refuses its settings.
    pub fn new(kafka: &KafkaConfig, client_id: &str) -> KafkaResult<Self> {
        let producer = kafka
            .client(client_id)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
            .set("queue.buffering.max.kbytes", QUEUE_KIB.to_string())
            // What it took it sends, however long a broker is away: the offset waits for it.
            .set("message.timeout.ms", "0")
            .set("statistics.interval.ms", "0")
            .create_with_context(Context)?;
        Ok(Self { producer })
    }

    /// Hands a message over; the future ends with the broker's acknowledgement.
    ///
    /// # Errors
    /// Where the client cannot take it, such as when its queue is full.
    pub fn send(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: OwnedHeaders,
    ) -> KafkaResult<impl Future<Output = KafkaResult<()>> + Send + 'static> {
        let mut record = FutureRecord::to(topic).headers(headers);
        (record.key, record.payload) = (key, value);
        let delivery = self.producer.send_result(record).map_err(|(error, _)| error)?;
        Ok(async move {
            match delivery.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, _))) => Err(error),
                Err(_) => Err(KafkaError::Canceled),
            }
        })
    }

    /// Why nothing can ever be sent again, if so.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        self.producer.client().fatal_error().map(|(_, reason)| format!("sending: {reason}"))
    }

    /// Waits until everything is acknowledged, or not that long.
    pub fn flush(&self, timeout: Duration) {
        // Nobody waits for what is left then: its offsets are not committed.
        let _ = self.producer.flush(timeout);
    }
}
