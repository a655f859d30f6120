//! Why there is no account, or not a good one.

use std::net::SocketAddr;

use common::service::{EXIT_CONFIG, EXIT_FAILED, ServiceError};
use rdkafka::error::KafkaError;

/// Why there is no account, or not a good one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The broker refused something.
    #[error("Kafka: {doing}: {source}")]
    Kafka {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: KafkaError,
    },
    /// Something did not happen in time.
    #[error("{awaited} did not come within {seconds} s: {last}")]
    Timeout {
        /// What was waited for, as the beginning of a sentence.
        awaited: String,
        /// For how long, in seconds.
        seconds: u64,
        /// What was there last.
        last: String,
    },
    /// What was found is not as it should be.
    #[error("{0}")]
    Broken(String),
    /// A service does not answer.
    #[error("{url} does not answer: {source}")]
    Http {
        /// Who was asked.
        url: String,
        /// Why it failed.
        source: reqwest::Error,
    },
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
    Serve(#[from] std::io::Error),
    /// A task ended by itself, which only a bug can bring about.
    #[error("a task ended before its time: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    pub(crate) fn kafka(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let doing = doing.into();
        move |source| Self::Kafka { doing, source }
    }
}

impl ServiceError for Error {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Bind { .. } => EXIT_CONFIG,
            Self::Kafka { .. }
            | Self::Timeout { .. }
            | Self::Broken(_)
            | Self::Http { .. }
            | Self::Serve(_)
            | Self::Task(_) => EXIT_FAILED,
        }
    }
}
