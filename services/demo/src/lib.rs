//! The whole story on one machine: Kafka, real processes of producer, consumers and monitor, consumers that come, go and
//! fail and scale with the load, and an audit.
//!
//! [`run`] plays it. [`embedded`] serves the services' own tests as well.

mod binaries;
mod burst;
pub mod embedded;
mod error;
mod event;
mod fleet;
mod front_door;
mod hpa;
mod interrupt;
mod log_line;
mod options;
mod performance;
mod process;
mod report;
mod scaling;
mod screen;
mod script;
mod stage;
mod story;
mod timeline;
mod venue;
mod watcher;
mod wording;

use std::process::ExitCode;

use clap::Parser as _;
use tokio_util::sync::CancellationToken;

pub use error::Error;
pub use options::Options;
pub use performance::run;
pub use script::{Act, Cue, Script};

/// Runs the demo as the whole process.
#[must_use]
#[allow(clippy::print_stderr, reason = "the standard output is for the story")]
pub fn main() -> ExitCode {
    let options = Options::parse();
    // One thread: the system ends the processes with the thread that started them, see `process`.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("demo: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(options, CancellationToken::new())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("demo: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
