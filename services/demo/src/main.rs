//! The demo's process.

fn main() -> std::process::ExitCode {
    demo::main()
}
