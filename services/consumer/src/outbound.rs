//! What the consumer itself sends: dead letters and forwarded updates.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use common::kafka::{Brokers, KafkaConfig};
use common::reminder::Reminder;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Message as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::types::RDKafkaErrorCode;
use serde::Deserialize;

/// The largest message the client takes. The broker's topic may allow less.
const MAX_MESSAGE_BYTES: u32 = 16 * 1024 * 1024;

/// Most memory for what waits to be sent, in KiB.
const QUEUE_KIB: u32 = 32 * 1024;

/// A client whose user may not send yet is made anew this often.
const RENEWAL: Duration = Duration::from_secs(2);

/// How often it is looked whether the client still knows any broker, in ms.
const LOOK_MS: &str = "5000";

/// A topic that Kafka refused a message for counts as refused for so long: who was refused tries again sooner.
const REFUSAL_LASTS: Duration = Duration::from_secs(15);

/// While the right is missing, it is said again this often.
const REMINDER: Duration = Duration::from_secs(30);

/// A producer that never gives up on what it took, and keeps its order.
pub struct Outbound {
    settings: ClientConfig,
    bootstrap_servers: String,
    brokers: Arc<Brokers>,
    client: RwLock<Client>,
    /// Held by every delivery whose end is not known yet to whoever sent it.
    pending: Arc<Refused>,
}

/// The topic that Kafka last refused a message for, and when.
type Refused = Mutex<Option<(String, Instant)>>;

struct Client {
    producer: FutureProducer<Context>,
    made: Instant,
    has_number: Arc<AtomicBool>,
    /// Whether it may send: what the client before was given is known to have failed, and so comes first.
    is_open: AtomicBool,
    /// The broker's words, where the one before was refused.
    refused: Option<(String, Reminder)>,
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbound")
    }
}

struct Context {
    brokers: Arc<Brokers>,
    /// Whether Kafka gave it the number that an idempotent client sends with: only whoever may write gets one.
    has_number: Arc<AtomicBool>,
}

/// The part of librdkafka's statistics that tells of that number.
#[derive(Deserialize)]
struct Statistics {
    eos: Eos,
}

#[derive(Deserialize)]
struct Eos {
    idemp_state: String,
}

/// What a client lacks that was refused its number.
const NEEDED: &str = "the consumer's user needs the right Write on the topics it sends to";

fn lock(refused: &Refused) -> MutexGuard<'_, Option<(String, Instant)>> {
    refused.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes the topic where an error says that it must not be written to; returns the error.
fn note_refusal(refused: &Refused, topic: &str, error: KafkaError) -> KafkaError {
    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed) {
        *lock(refused) = Some((topic.to_owned(), Instant::now()));
    }
    error
}

fn is_refusal(code: RDKafkaErrorCode) -> bool {
    code == RDKafkaErrorCode::ClusterAuthorizationFailed
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!("librdkafka, sending: {level:?} {facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // That the brokers are away, the consumer's own connection says already; the rest comes with the deliveries.
        tracing::debug!("sending: {error}: {reason}");
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.brokers.statistics(statistics);
        // Once it has one, its statistics need not be read a second time.
        if !self.has_number.load(Ordering::Relaxed)
            && serde_json::from_slice::<Statistics>(statistics).is_ok_and(|now| now.eos.idemp_state == "Assigned")
        {
            self.has_number.store(true, Ordering::Relaxed);
        }
    }
}

impl Client {
    fn new(settings: &ClientConfig, brokers: &Arc<Brokers>) -> KafkaResult<Self> {
        let has_number = Arc::new(AtomicBool::new(false));
        let context = Context { brokers: Arc::clone(brokers), has_number: Arc::clone(&has_number) };
        let producer = settings.create_with_context(context)?;
        Ok(Self { producer, made: Instant::now(), has_number, is_open: AtomicBool::new(false), refused: None })
    }
}

impl Outbound {
    /// A producer in the name of `client_id`. Connects when there is something to send.
    ///
    /// # Errors
    /// Where the client refuses its settings.
    pub fn new(kafka: &KafkaConfig, client_id: &str) -> KafkaResult<Self> {
        let mut settings = kafka.client(client_id);
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            .set("linger.ms", "5")
            .set("message.max.bytes", MAX_MESSAGE_BYTES.to_string())
            .set("queue.buffering.max.kbytes", QUEUE_KIB.to_string())
            // What it took it sends, however long a broker is away: the offset waits for it.
            .set("message.timeout.ms", "0")
            .set("statistics.interval.ms", LOOK_MS);
        let brokers = Arc::default();
        let client = RwLock::new(Client::new(&settings, &brokers)?);
        Ok(Self {
            settings,
            bootstrap_servers: kafka.bootstrap_servers().to_owned(),
            brokers,
            client,
            pending: Arc::default(),
        })
    }

    /// Hands a message over; the future ends with the broker's acknowledgement.
    ///
    /// # Errors
    /// Where the client cannot take it, such as when its queue is full. One that was made anew takes nothing before all
    /// that the one before was given is seen to have failed: whoever is told so has to look at those first.
    pub fn send(
        &self,
        topic: &str,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: OwnedHeaders,
    ) -> KafkaResult<impl Future<Output = KafkaResult<()>> + Send + 'static> {
        let mut record = FutureRecord::to(topic).headers(headers);
        (record.key, record.payload) = (key, value);
        let (delivery, pending) = {
            let client = self.read();
            if !self.is_open(&client) {
                return Err(KafkaError::MessageProduction(RDKafkaErrorCode::PreviousInProgress));
            }
            // What was refused once, the client refuses by itself until it hears that all is well.
            let refuse = |(error, _)| note_refusal(&self.pending, topic, error);
            let delivery = client.producer.send_result(record).map_err(refuse)?;
            (delivery, Arc::clone(&self.pending))
        };
        Ok(async move {
            let pending = pending;
            match delivery.await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err((error, message))) => Err(note_refusal(&pending, message.topic(), error)),
                Err(_) => Err(KafkaError::Canceled),
            }
        })
    }

    fn is_open(&self, client: &Client) -> bool {
        // Nothing is pending where nobody but this holds it.
        if !client.is_open.load(Ordering::Relaxed) && Arc::strong_count(&self.pending) == 1 {
            client.is_open.store(true, Ordering::Relaxed);
        }
        client.is_open.load(Ordering::Relaxed)
    }

    /// Why nothing can ever be sent again, if so. A missing right is none: it may come.
    #[must_use]
    pub fn fatal(&self) -> Option<String> {
        let (code, reason) = self.read().producer.client().fatal_error()?;
        (!is_refusal(code)).then(|| format!("sending: {reason}"))
    }

    /// Makes the client anew where its user may not write to any topic yet: an idempotent one asks for its number before
    /// it has anything to send, and never again. What it was given fails, and so is tried again.
    pub fn review(&self) {
        let (is_ripe, has_number, refused, fatal) = {
            let client = self.read();
            self.brokers.recall(client.producer.client(), &self.bootstrap_servers);
            let has_number = client.has_number.load(Ordering::Relaxed);
            let is_ripe = client.made.elapsed() >= RENEWAL;
            (is_ripe, has_number, client.refused.clone(), client.producer.client().fatal_error())
        };
        match fatal {
            Some((code, reason)) if is_refusal(code) && (is_ripe || refused.is_none()) => {
                let mut reminder = refused.map_or(Reminder::every(REMINDER), |(_, reminder)| reminder);
                if reminder.is_due() {
                    tracing::warn!("{NEEDED}: {reason}; trying on");
                }
                let refused = Some((reason, reminder));
                let mut client = match Client::new(&self.settings, &self.brokers) {
                    Ok(client) => client,
                    // The same settings were good once: it lacks threads or memory, which may come again.
                    Err(error) => {
                        tracing::warn!("the client that sends cannot be made anew: {error}; trying on");
                        let mut client = self.write();
                        (client.made, client.refused) = (Instant::now(), refused);
                        return;
                    }
                };
                client.refused = refused;
                let old = std::mem::replace(&mut *self.write(), client);
                // It takes up to half a second to end. That is no time for this thread, which polls; without another it
                // ends here all the same.
                let _ = std::thread::Builder::new().name("old-client".to_owned()).spawn(move || drop(old));
            }
            None if has_number && refused.is_some() => {
                tracing::info!("Kafka lets the consumer send");
                self.write().refused = None;
            }
            _ => {}
        }
    }

    /// Whether it may send, as far as is known.
    ///
    /// # Errors
    /// What its user lacks.
    pub fn readiness(&self) -> Result<(), String> {
        let refused = self.read().refused.as_ref().map(|(reason, _)| format!("{NEEDED}: {reason}"));
        refused.map_or(Ok(()), Err)?;
        match &*lock(&self.pending) {
            Some((topic, at)) if at.elapsed() < REFUSAL_LASTS => {
                Err(format!("topic authorization failed: the consumer's user needs the right Write on topic {topic}"))
            }
            _ => Ok(()),
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Client> {
        self.client.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everything is acknowledged, or not that long.
    pub fn flush(&self, timeout: Duration) {
        // Nobody waits for what is left then: its offsets are not committed.
        let _ = self.read().producer.flush(timeout);
    }
}
