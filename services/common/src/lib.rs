//! What every Lagless service needs and none owns.
//!
//! Data enters through [`config`] (environment variables) and [`quote`] (records of the topic);
//! both are checked once, here, and trusted from then on.

pub mod backoff;
pub mod commit_metadata;
pub mod config;
pub mod decimal;
pub mod family;
pub mod gzip;
pub mod http;
pub mod kafka;
pub mod murmur2;
pub mod open_metrics;
pub mod quote;
pub mod reminder;
pub mod service;
pub mod shutdown;
pub mod telemetry;
