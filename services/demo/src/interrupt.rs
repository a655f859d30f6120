//! Ctrl-C and SIGTERM: the first ends the story in order, the second at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was told twice to end.
pub(crate) const EXIT_INSISTED: i32 = 130;

/// Cancels `shutdown` at the first signal; ends this process at the second, after giving the terminal back if it is
/// `live`. The system then ends the others.
///
/// # Errors
/// Where the system refuses to watch signals.
pub(crate) fn on_signal(shutdown: CancellationToken, live: bool) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.is_cancelled() {
                insist(live);
            }
            shutdown.cancel();
        }
    });
    Ok(())
}

/// Ends this process at once.
pub(crate) fn insist(live: bool) -> ! {
    if live {
        ratatui::restore();
    }
    std::process::exit(EXIT_INSISTED)
}
