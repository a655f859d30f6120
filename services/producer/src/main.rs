//! The producer's process.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Every update is allocated by one thread and freed by another, which this does best.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    common::service::main::<producer::Producer>()
}
