//! The auditor's settings.

use std::net::SocketAddr;
use std::time::Duration;

use common::config::{Variable, duration};
use common::kafka::{KAFKA_VARIABLES, KafkaConfig};
use common::telemetry::{TELEMETRY_VARIABLES, TelemetryConfig};
use serde::Deserialize;

/// Everything the auditor takes from its environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    pub(crate) kafka: KafkaConfig,
    #[serde(flatten)]
    pub(crate) telemetry: TelemetryConfig,
    #[serde(default = "topic")]
    pub(crate) topic: String,
    pub(crate) output_topic: Option<String>,
    #[serde(default = "dead_letter_topic")]
    pub(crate) dead_letter_topic: String,
    #[serde(default, deserialize_with = "duration")]
    pub(crate) window: Duration,
    #[serde(default = "patience", deserialize_with = "duration")]
    pub(crate) patience: Duration,
    pub(crate) http_addr: Option<SocketAddr>,
    pub(crate) load_url: Option<String>,
    pub(crate) desired_url: Option<String>,
    pub(crate) metrics_api_path: Option<String>,
}

fn topic() -> String {
    "stocks".to_owned()
}

fn dead_letter_topic() -> String {
    "stocks-dead-letters".to_owned()
}

fn patience() -> Duration {
    Duration::from_secs(30)
}

const AUDIT_VARIABLES: &[Variable] = &[
    Variable { name: "TOPIC", default: Some("stocks"), expected: "a topic's name", about: "where updates are sent" },
    Variable {
        name: "OUTPUT_TOPIC",
        default: Some("TOPIC-processed"),
        expected: "a topic's name",
        about: "where processed updates go on to",
    },
    Variable {
        name: "DEAD_LETTER_TOPIC",
        default: Some("stocks-dead-letters"),
        expected: "a topic's name",
        about: "where updates go that never can be processed",
    },
    Variable {
        name: "WINDOW",
        default: Some("0"),
        expected: "a time such as 1m, or 0 for all there is",
        about: "how far back updates are looked at",
    },
    Variable {
        name: "PATIENCE",
        default: Some("30s"),
        expected: "a time such as 30s",
        about: "how long what is still in work is waited for",
    },
    Variable {
        name: "HTTP_ADDR",
        default: Some(""),
        expected: "ADDRESS:PORT",
        about: "where `GET /audit` listens; without it, it looks once and ends with exit code 0 if all is well, else 1",
    },
    Variable {
        name: "LOAD_URL",
        default: Some(""),
        expected: "a URL of the producer such as http://producer/load",
        about: "told to send some updates before it looks once, unless it is sending anyway",
    },
    Variable {
        name: "DESIRED_URL",
        default: Some(""),
        expected: "a URL of the monitor such as http://monitor/api/v1/groups/stock-readers/desired",
        about: "looked at once too: how many consumers are needed must be known",
    },
    Variable {
        name: "METRICS_API_PATH",
        default: Some(""),
        expected: "a path of the Kubernetes API such as /apis/external.metrics.k8s.io/v1beta1/namespaces/…",
        about: "looked at once too, with the pod's service account: the autoscaler's metric must be there",
    },
];

impl common::config::Config for Config {
    const VARIABLES: &'static [&'static [Variable]] = &[KAFKA_VARIABLES, AUDIT_VARIABLES, TELEMETRY_VARIABLES];

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.kafka.check()?;
        self.telemetry.check()
    }
}

impl Config {
    pub(crate) fn output_topic(&self) -> String {
        self.output_topic.clone().unwrap_or_else(|| format!("{}-processed", self.topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_docs_have_every_setting_as_it_is() {
        let docs = include_str!("../../../docs/configuration.md");
        assert!(common::config::is_documented::<Config>("Audit", docs), "`make docs` writes them");
    }
}
