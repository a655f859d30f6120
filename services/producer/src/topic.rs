//! The topic: waited for, or created.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::backoff::exponential;
use common::kafka::Connection;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use tokio::runtime::Handle;

use crate::client::{self, Client};
use crate::config::ProducerConfig;
use crate::error::ProducerError;
use crate::load::Control;

/// How long one question to the brokers may take; it also bounds how late a shutdown is noticed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the creation of a topic may take.
const CREATION_TIMEOUT: Duration = Duration::from_secs(10);

/// The waits between attempts grow from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// When a wait is first spoken of, and how often again.
const PATIENCE: Duration = Duration::from_secs(1);
const REMINDER: Duration = Duration::from_secs(30);

/// Waits until the topic is there, creating it if so configured, and returns how many partitions it has;
/// `None` if told to stop. Runs on a thread that may block, of a runtime.
///
/// # Errors
/// Where the client can never work again.
pub(crate) fn wait(client: &Client, config: &ProducerConfig, control: &Control) -> Result<Option<i32>, ProducerError> {
    let connection = &client.context().connection;
    let mut waits = exponential(FIRST_WAIT, LONGEST_WAIT);
    let mut notice = Notice { since: Instant::now(), said: None };
    loop {
        match look(client, &config.topic) {
            Ok(Some(partitions)) => {
                connection.answered();
                notice.end(&config.topic);
                let wanted = i32::from(config.create_topic_partitions);
                if wanted != 0 && wanted != partitions {
                    tracing::warn!(
                        "topic {} has {partitions} partitions and keeps them, though CREATE_TOPIC_PARTITIONS={wanted}",
                        config.topic
                    );
                }
                return Ok(Some(partitions));
            }
            Ok(None) if config.create_topic_partitions != 0 => {
                connection.answered();
                match create(config, Arc::clone(connection)) {
                    Ok(()) => tracing::info!(
                        "created topic {} with {} partitions",
                        config.topic,
                        config.create_topic_partitions
                    ),
                    // Another one was quicker.
                    Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists)) => {}
                    Err(error) => notice.say(|| format!("topic {} cannot be created: {error}", config.topic)),
                }
            }
            Ok(None) => {
                connection.answered();
                let hint = "create it, or set CREATE_TOPIC_PARTITIONS";
                notice.say(|| format!("topic {} is not there yet: {hint}", config.topic));
            }
            // That brokers are away is for the connection to say.
            Err(KafkaError::MetadataFetch(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::AllBrokersDown,
            )) => {}
            Err(error) => notice.say(|| format!("topic {} cannot be looked at: {error}", config.topic)),
        }
        let pause = waits.next().unwrap_or(LONGEST_WAIT);
        client::check(client, config)?;
        if control.pause(pause) {
            return Ok(None);
        }
    }
}

/// How many partitions the topic has; `None` while there is no such topic.
fn look(client: &Client, topic: &str) -> Result<Option<i32>, KafkaError> {
    let metadata = client.client().fetch_metadata(Some(topic), ANSWER_TIMEOUT)?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Ok(None);
    };
    let partitions = i32::try_from(found.partitions().len()).unwrap_or(i32::MAX);
    match found.error().map(RDKafkaErrorCode::from) {
        None if partitions > 0 => Ok(Some(partitions)),
        // A topic that is being created has no leaders yet.
        None | Some(RDKafkaErrorCode::LeaderNotAvailable | RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(None),
        Some(error) => Err(KafkaError::MetadataFetch(error)),
    }
}

fn create(config: &ProducerConfig, connection: Arc<Connection>) -> Result<(), KafkaError> {
    let admin: AdminClient<Admin> = config.kafka.client(&config.client_id).create_with_context(Admin(connection))?;
    // The brokers know how many replicas are right.
    let replicas = TopicReplication::Fixed(-1);
    let topic = NewTopic::new(&config.topic, config.create_topic_partitions.into(), replicas);
    let options = AdminOptions::new().request_timeout(Some(CREATION_TIMEOUT)).operation_timeout(Some(CREATION_TIMEOUT));
    let created = Handle::current().block_on(admin.create_topics([&topic], &options))?;
    match created.into_iter().next() {
        Some(Err((_, error))) => Err(KafkaError::AdminOp(error)),
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Hears what the client that creates the topic tells.
struct Admin(Arc<Connection>);

impl ClientContext for Admin {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.0.statistics(statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

/// Says what is waited for, at a bearable rate.
struct Notice {
    since: Instant,
    said: Option<Instant>,
}

impl Notice {
    fn say(&mut self, what: impl FnOnce() -> String) {
        let due = match self.said {
            None => self.since.elapsed() >= PATIENCE,
            Some(said) => said.elapsed() >= REMINDER,
        };
        if due {
            tracing::warn!("waiting for {:.0} s: {}", self.since.elapsed().as_secs_f64(), what());
            self.said = Some(Instant::now());
        }
    }

    fn end(&self, topic: &str) {
        if self.said.is_some() {
            tracing::info!("topic {topic} is there after {:.1} s", self.since.elapsed().as_secs_f64());
        }
    }
}
