//! Ctrl-C and SIGTERM.

use tokio::signal::unix::{SignalKind, signal};

use crate::Error;

/// Returns when somebody wants it to end.
///
/// # Errors
/// [`Error::Interrupted`], or why signals cannot be watched.
pub(crate) async fn wait() -> Error {
    let watch = |kind| signal(kind).map_err(Error::io("watching signals"));
    match (watch(SignalKind::interrupt()), watch(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            Error::Interrupted
        }
        (Err(error), _) | (_, Err(error)) => error,
    }
}
