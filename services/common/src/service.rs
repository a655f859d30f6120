//! The life of a service's process: settings, telemetry, signals, work, exit code.

use std::process::ExitCode;

use tokio_util::sync::CancellationToken;

use crate::config::{Config, load, markdown_table, plain_table};
use crate::shutdown;
use crate::telemetry::{self, Sampling, TelemetryConfig};

/// The exit code for work that failed.
pub const EXIT_FAILED: u8 = 1;

/// The exit code for settings that are wrong.
pub const EXIT_CONFIG: u8 = 2;

/// The exit code for a Kafka client that can never work again: start the process anew.
pub const EXIT_FATAL: u8 = 3;

/// A service, as `main` runs it.
pub trait Service {
    /// Its name, in traces and in `--help`.
    const NAME: &'static str;

    /// Which spans it begins.
    const SAMPLING: Sampling;

    /// Its settings.
    type Config: Config;

    /// Why it failed.
    type Error: ServiceError;

    /// The part of the settings that tells what to log and trace.
    fn telemetry(config: &Self::Config) -> &TelemetryConfig;

    /// Works until it is done or told to shut down.
    ///
    /// # Errors
    /// Why it could not.
    fn run(
        config: Self::Config,
        shutdown: CancellationToken,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static;
}

/// An error that ends a process.
pub trait ServiceError: std::error::Error + Send + 'static {
    /// The process's exit code, not 0.
    fn exit_code(&self) -> u8;
}

/// Runs a service as the whole process.
#[must_use]
#[allow(clippy::print_stderr, clippy::print_stdout, reason = "nothing is logged before the settings say how")]
pub fn main<S: Service>() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--help" | "-h") => {
            println!("{}: settings come from environment variables:\n\n{}", S::NAME, plain_table::<S::Config>());
            return ExitCode::SUCCESS;
        }
        Some("--settings-as-markdown") => {
            print!("{}", markdown_table::<S::Config>());
            return ExitCode::SUCCESS;
        }
        Some("--version" | "-V") => {
            println!("{} {}", S::NAME, env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("{}: unknown argument '{other}': settings are environment variables, see --help", S::NAME);
            return ExitCode::from(EXIT_CONFIG);
        }
    }
    let config: S::Config = match load(std::env::vars()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{}: {error}", S::NAME);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}: no runtime: {error}", S::NAME);
            return ExitCode::from(EXIT_FAILED);
        }
    };
    let telemetry = match telemetry::start(S::NAME, S::telemetry(&config), S::SAMPLING) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("{}: {error}", S::NAME);
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let code = runtime.block_on(async move {
        let shutdown = match shutdown::on_signal() {
            Ok(shutdown) => shutdown,
            Err(error) => {
                tracing::error!("signals cannot be watched: {error}");
                return EXIT_FAILED;
            }
        };
        // Spawned, so that the work runs on the runtime's own threads and not on this one.
        match tokio::spawn(S::run(config, shutdown)).await {
            Ok(Ok(())) => 0,
            Ok(Err(error)) => {
                tracing::error!("{error}");
                error.exit_code()
            }
            Err(error) => {
                tracing::error!("a task failed: {error}");
                EXIT_FAILED
            }
        }
    });
    telemetry.stop();
    // What still blocks, such as a client that waits for a broker that is away, does not hold the end up.
    runtime.shutdown_background();
    ExitCode::from(code)
}
