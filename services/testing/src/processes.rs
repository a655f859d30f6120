//! Processes that tests start.
//!
//! One that is being started holds, for a moment, every socket of the process that starts it. The embedded broker goes
//! down by closing its socket and opening it anew, and aborts if somebody still has it. So the two take turns.

use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{PoisonError, RwLock};

static STARTS: RwLock<()> = RwLock::new(());

/// Starts a process.
///
/// # Errors
/// As [`Command::spawn`].
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let _turn = STARTS.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Starts a process without input and waits for its end.
///
/// # Errors
/// As [`Command::output`].
pub fn output(command: &mut Command) -> io::Result<Output> {
    spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?.wait_with_output()
}

/// Does something while no process is being started, such as taking the embedded broker down.
pub fn while_none_starts<T>(action: impl FnOnce() -> T) -> T {
    let _turn = STARTS.write().unwrap_or_else(PoisonError::into_inner);
    action()
}
