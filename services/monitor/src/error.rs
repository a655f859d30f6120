//! Why the monitor ended.

use std::net::SocketAddr;

use common::service::{EXIT_CONFIG, EXIT_FAILED, EXIT_FATAL, ServiceError};
use rdkafka::error::KafkaError;

use crate::external_metrics;

/// Why the monitor ended.
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
    /// The external metrics API cannot be served.
    #[error("METRICS_API_ADDR: {0}")]
    ExternalMetrics(#[from] external_metrics::Error),
    /// A metric's name is taken.
    #[error("metrics cannot be registered: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The client that asks the producer cannot be made.
    #[error("no HTTP client can be had: {0}")]
    HttpClient(#[from] reqwest::Error),
    /// The Kafka client refuses its settings.
    #[error("the Kafka client refuses its settings: {0}")]
    Client(#[from] KafkaError),
    /// The Kafka client can never work again.
    #[error("the Kafka client cannot go on and has to be started anew: {0}")]
    Fatal(String),
    /// A task ended by itself, which only a bug can bring about.
    #[error("a task ended before its time: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl ServiceError for Error {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Bind { .. } | Self::Client(_) | Self::ExternalMetrics(_) => EXIT_CONFIG,
            Self::Http(_) | Self::HttpClient(_) | Self::Metrics(_) | Self::Task(_) => EXIT_FAILED,
            Self::Fatal(_) => EXIT_FATAL,
        }
    }
}
