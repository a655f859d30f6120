//! How a service reaches Kafka, and whether it does at the moment.

mod brokers;
mod connection;
mod settings;

pub use brokers::Brokers;
pub use connection::Connection;
pub use settings::{KAFKA_VARIABLES, KafkaConfig, SecurityProtocol};
