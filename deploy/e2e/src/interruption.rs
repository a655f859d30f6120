//! Being told to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// Ctrl-C, or being told to end.
pub(crate) struct Interruption {
    interrupt: Signal,
    terminate: Signal,
}

impl Interruption {
    /// Watches from now on.
    ///
    /// # Errors
    /// Where signals cannot be watched.
    pub(crate) fn new() -> Result<Self, Error> {
        match [SignalKind::interrupt(), SignalKind::terminate()].map(signal) {
            [Ok(interrupt), Ok(terminate)] => Ok(Self { interrupt, terminate }),
            _ => Err(Error::Refused("signals cannot be watched".to_owned())),
        }
    }

    /// Works until it is done or somebody interrupts it.
    ///
    /// # Errors
    /// Those of the work, or that it was interrupted.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            _ = self.interrupt.recv() => Err(Error::Interrupted),
            _ = self.terminate.recv() => Err(Error::Interrupted),
        }
    }
}
