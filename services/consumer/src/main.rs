//! The consumer's process.

fn main() -> std::process::ExitCode {
    common::service::main::<consumer::Consumer>()
}
