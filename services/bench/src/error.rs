//! What can go wrong.

use std::path::PathBuf;

use rdkafka::error::KafkaError;

/// Why nothing, or not all, was measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something has to be there first.
    #[error("{what}: {remedy}")]
    Missing {
        /// What is not there.
        what: String,
        /// How to get it.
        remedy: &'static str,
    },
    /// The broker refused something.
    #[error("Kafka: {doing}: {source}")]
    Kafka {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: KafkaError,
    },
    /// A program failed.
    #[error("{program} ended with {status}; the last it wrote:\n{last}")]
    Failed {
        /// Which one.
        program: String,
        /// How it ended.
        status: String,
        /// The end of its output.
        last: String,
    },
    /// Something did not happen in time.
    #[error("{awaited} did not happen within {seconds} s")]
    Timeout {
        /// What was waited for, as the beginning of a sentence.
        awaited: String,
        /// For how long, in seconds.
        seconds: u64,
    },
    /// A program says something else than what is looked for.
    #[error("{program} did not tell its {what}; the last it wrote:\n{last}")]
    Untold {
        /// Which one.
        program: String,
        /// What was looked for.
        what: &'static str,
        /// The end of its output.
        last: String,
    },
    /// The document has no place for the tables.
    #[error("{} has no lines '{begin}' and '{end}' to write between", .path.display())]
    NoMarkers {
        /// The document.
        path: PathBuf,
        /// The first line.
        begin: &'static str,
        /// The last line.
        end: &'static str,
    },
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// An HTTP request failed.
    #[error("{program} does not answer: {source}")]
    Http {
        /// Who was asked.
        program: String,
        /// Why it failed.
        source: reqwest::Error,
    },
    /// Somebody interrupted it.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    pub(crate) fn kafka(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let doing = doing.into();
        move |source| Self::Kafka { doing, source }
    }

    /// The exit code of a process that ends with it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Missing { .. } => 2,
            Self::Interrupted => 130,
            Self::Kafka { .. }
            | Self::Failed { .. }
            | Self::Timeout { .. }
            | Self::Untold { .. }
            | Self::NoMarkers { .. }
            | Self::Io { .. }
            | Self::Http { .. } => 1,
        }
    }
}
