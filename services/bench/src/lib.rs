//! How fast the producer and the consumer are, as whole programs, beside Kafka's own performance tools and
//! librdkafka's: in one run on one real broker, round robin, as medians and as ratios of the same round.
//!
//! Module `plan` says what is measured, `tools` how each program is run, `report` what is told of it.

mod broker;
mod child;
mod contest;
mod document;
mod error;
mod footprint;
mod interrupt;
mod machine;
mod memory;
mod options;
mod plan;
mod record;
mod report;
mod scale;
mod service;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

pub use error::Error;
pub use options::Options;
pub use plan::run;

/// Runs the benchmark as the whole process.
#[must_use]
#[allow(clippy::print_stderr, reason = "the standard output is for the tables")]
pub fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bench: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Says how far it is.
#[allow(clippy::print_stderr, reason = "the standard output is for the tables")]
fn progress(text: &str) {
    eprintln!("bench: {text}");
}
