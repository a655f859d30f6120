//! The external metrics API through its front door: a client over TLS, a cluster that only knows one ConfigMap.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails says so")]

mod api;
mod certificates;
mod client;
mod cluster;
mod discovery;
mod front_proxy;
mod log;
mod rotation;
mod serving;
mod values;
