//! Why the producer ends with an exit code other than 0.

use common::quote::Symbol;
use common::service::{EXIT_CONFIG, EXIT_FAILED, EXIT_FATAL, ServiceError};
use rdkafka::error::KafkaError;

use crate::report::Grouped;

/// Why the producer failed.
#[derive(Debug, thiserror::Error)]
pub enum ProducerError {
    /// `HTTP_ADDR` cannot be had.
    #[error("HTTP_ADDR cannot be listened on: {0}")]
    Listen(#[source] std::io::Error),
    /// The HTTP server failed midway.
    #[error("the HTTP server failed: {0}")]
    Http(#[source] std::io::Error),
    /// The metrics contradict each other.
    #[error("the metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The Kafka client cannot be made, or refuses an update for good.
    #[error("the Kafka client refuses: {0}")]
    Client(#[from] KafkaError),
    /// The Kafka client can never work again; a new process can.
    #[error("the Kafka client cannot go on, start it anew: {0}")]
    Fatal(String),
    /// `PARTITION_MAP` names a partition that the topic does not have.
    #[error("PARTITION_MAP sends {symbol} to partition {partition}, but topic {topic} has only {partitions}")]
    NoSuchPartition {
        /// The symbol.
        symbol: Symbol,
        /// Where it should go.
        partition: i32,
        /// The topic.
        topic: String,
        /// How many partitions it has.
        partitions: i32,
    },
    /// Not every update that was asked for was acknowledged.
    #[error(
        "not every update arrived: {} asked for, {} sent, {} acknowledged, {} failed, {} without an answer",
        Grouped(*.asked), Grouped(*.sent), Grouped(*.acknowledged), Grouped(*.failed),
        Grouped(sent - acknowledged - failed)
    )]
    Unacknowledged {
        /// How many updates should have been sent.
        asked: u64,
        /// How many were.
        sent: u64,
        /// How many of these Kafka has for certain.
        acknowledged: u64,
        /// How many of these it refused.
        failed: u64,
    },
    /// A task of the service panicked.
    #[error("a task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl ServiceError for ProducerError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Fatal(_) => EXIT_FATAL,
            Self::NoSuchPartition { .. } => EXIT_CONFIG,
            Self::Listen(_)
            | Self::Http(_)
            | Self::Metrics(_)
            | Self::Client(_)
            | Self::Unacknowledged { .. }
            | Self::Task(_) => EXIT_FAILED,
        }
    }
}
