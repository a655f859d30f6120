//! The benchmark's process.

fn main() -> std::process::ExitCode {
    bench::main()
}
