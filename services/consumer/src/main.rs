//! The consumer's process.

// librdkafka allocates in one thread what another frees: this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    common::service::main::<consumer::Consumer>()
}
