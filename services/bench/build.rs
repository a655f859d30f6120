//! Tells the program where cargo has built librdkafka, whose own benchmark is one of the yardsticks.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(root) = std::env::var("DEP_RDKAFKA_ROOT") {
        println!("cargo::rustc-env=LIBRDKAFKA_ROOT={root}");
    }
}
