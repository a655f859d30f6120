//! The live page in a real browser, shown by the real monitor, over an embedded Kafka or the one that
//! `KAFKA_BOOTSTRAP_SERVERS` names. `make page-test` brings the browser.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod scene;
mod story;
/// What the monitor's other tests stand on serves here too.
#[allow(dead_code, unused_imports, reason = "not all of it")]
#[path = "../suite"]
mod suite {
    pub(crate) mod harness;
}

use suite::harness;
