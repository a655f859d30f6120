//! The comparison's process.

fn main() -> std::process::ExitCode {
    e2e::compare()
}
