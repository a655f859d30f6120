//! Why the test fails.

use crate::scenes::Scene;

/// Why the test fails, or does not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A program cannot be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// Its name.
        program: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A command failed, or took too long.
    #[error("`{command}` {how}")]
    Command {
        /// All of it.
        command: String,
        /// How it ended, and what it said.
        how: String,
    },
    /// The API server, or a service behind it, answers with an error or not at all.
    #[error("{path}: {reason}")]
    Answer {
        /// What was asked for.
        path: String,
        /// The HTTP status, if there was an answer.
        status: Option<u16>,
        /// What came instead.
        reason: String,
    },
    /// Something did not happen in time.
    #[error("expected {awaited} within {seconds} s; the last seen: {last}")]
    Timeout {
        /// What was waited for.
        awaited: String,
        /// For how long, in seconds.
        seconds: u64,
        /// What was there last.
        last: String,
    },
    /// Something is not as it must be.
    #[error("{0}")]
    Broken(String),
    /// It cannot be run like this.
    #[error("{0}")]
    Refused(String),
    /// Somebody interrupted it.
    #[error("interrupted")]
    Interrupted,
    /// A scene failed.
    #[error("{scene}: {source}")]
    Scene {
        /// Which one.
        scene: Scene,
        /// Why.
        source: Box<Error>,
    },
}

impl Error {
    /// The exit code of a process that ends with it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) => 2,
            Self::Interrupted => 130,
            Self::Start { .. }
            | Self::Command { .. }
            | Self::Answer { .. }
            | Self::Timeout { .. }
            | Self::Broken(_)
            | Self::Scene { .. } => 1,
        }
    }
}

/// Fails with what was expected and what there is, unless it `holds`.
pub(crate) fn expect(holds: bool, expected: &str, seen: impl std::fmt::Display) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Broken(format!("expected {expected}; there is: {seen}"))) }
}
