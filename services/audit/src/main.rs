//! Tells what became of every update.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::service::main::<audit::Auditor>()
}
