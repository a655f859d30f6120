//! What can go wrong.

use std::path::PathBuf;

use rdkafka::error::KafkaError;

/// Why the demo, or a part of it that tests use, could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A Kafka client failed.
    #[error("Kafka: {doing}: {source}")]
    Kafka {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: KafkaError,
    },
    /// Something did not happen in time.
    #[error("{awaited} did not happen within {seconds} s{}", because(.last))]
    Timeout {
        /// What was waited for, as the beginning of a sentence.
        awaited: String,
        /// For how long, in seconds.
        seconds: u64,
        /// What was seen last, or nothing.
        last: String,
    },
    /// A program that takes part is not built.
    #[error("{} is not there: `cargo build {profile}-p producer -p consumer -p monitor -p demo` builds it", .path.display())]
    MissingBinary {
        /// Its name.
        name: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What cargo must be told to put it there.
        profile: &'static str,
    },
    /// A process ended that should live, or ended otherwise than it should.
    #[error("{process} ended with {status}{}", said(.last))]
    Ended {
        /// Which one.
        process: String,
        /// How it ended.
        status: String,
        /// The last it wrote.
        last: String,
    },
    /// A process does not answer as it should.
    #[error("{process} does not answer: {reason}")]
    Mute {
        /// Which one.
        process: String,
        /// What came instead.
        reason: String,
    },
    /// The audit cannot be drawn up.
    #[error("the audit: {0}")]
    Audit(#[from] audit::Error),
    /// The options contradict each other.
    #[error("{0}")]
    Options(String),
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Somebody interrupted it.
    #[error("interrupted")]
    Interrupted,
}

fn because(last: &str) -> String {
    if last.is_empty() { String::new() } else { format!(" ({last})") }
}

fn said(last: &str) -> String {
    if last.is_empty() { " and wrote nothing".to_owned() } else { format!("; the last it wrote:\n{last}") }
}

impl Error {
    /// Names what a Kafka client was doing when it failed.
    pub(crate) fn kafka(doing: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let doing = doing.into();
        move |source| Self::Kafka { doing, source }
    }

    /// Names what the operating system refused.
    pub(crate) fn io(doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    /// The exit code of a process that ends with it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Options(_) => 2,
            Self::Interrupted => 130,
            Self::Kafka { .. }
            | Self::Audit(_)
            | Self::Timeout { .. }
            | Self::MissingBinary { .. }
            | Self::Ended { .. }
            | Self::Mute { .. }
            | Self::Io { .. } => 1,
        }
    }
}
