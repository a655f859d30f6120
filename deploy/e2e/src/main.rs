//! The end-to-end test's process.

fn main() -> std::process::ExitCode {
    e2e::main()
}
