//! From signals to an orderly end: the first asks, the second insists.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that a second signal ended at once.
pub const EXIT_INSISTED: i32 = 130;

/// A token that is cancelled by the first SIGTERM or SIGINT; the second ends the process at once.
///
/// # Errors
/// Where the operating system refuses to watch signals.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let asked = token.clone();
    tokio::spawn(async move {
        for insisted in [false, true] {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if insisted {
                tracing::warn!("{name} again: exiting at once, unfinished work will be done again");
                std::process::exit(EXIT_INSISTED);
            }
            tracing::info!("{name}: shutting down; a second signal exits at once");
            asked.cancel();
        }
    });
    Ok(token)
}
