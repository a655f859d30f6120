//! Tells of consumer groups how far behind they are, who owns what, and how many consumers they need.

use std::process::ExitCode;

fn main() -> ExitCode {
    common::service::main::<monitor::Monitor>()
}
