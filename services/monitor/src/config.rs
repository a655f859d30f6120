//! The monitor's settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use common::config::{Variable, duration, from_str};
use common::kafka::{KAFKA_VARIABLES, KafkaConfig};
use common::telemetry::{TELEMETRY_VARIABLES, TelemetryConfig};
use planner::Settings;
use reqwest::Url;
use serde::Deserialize;

use crate::external_metrics;
use crate::groups::Groups;

/// Everything the monitor takes from its environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    pub(crate) kafka: KafkaConfig,
    #[serde(flatten)]
    pub(crate) telemetry: TelemetryConfig,
    #[serde(default = "groups", deserialize_with = "from_str")]
    pub(crate) groups: Groups,
    #[serde(default = "interval", deserialize_with = "duration")]
    pub(crate) interval: Duration,
    #[serde(default = "read_timeout", deserialize_with = "duration")]
    pub(crate) read_timeout: Duration,
    #[serde(default = "http_addr")]
    pub(crate) http_addr: SocketAddr,
    #[serde(default, deserialize_with = "url")]
    pub(crate) producer_url: Option<Url>,
    pub(crate) metrics_api_addr: Option<SocketAddr>,
    pub(crate) metrics_api_certificate_file: Option<PathBuf>,
    pub(crate) metrics_api_key_file: Option<PathBuf>,
    #[serde(default = "target_delay", deserialize_with = "duration")]
    target_delay: Duration,
    #[serde(default = "utilisation")]
    utilisation: f64,
    #[serde(default = "start_time", deserialize_with = "duration")]
    start_time: Duration,
    #[serde(default = "rebalance_pause", deserialize_with = "duration")]
    rebalance_pause: Duration,
    #[serde(default = "shrink_after", deserialize_with = "duration")]
    shrink_after: Duration,
    #[serde(default = "commit_interval", deserialize_with = "duration")]
    commit_interval: Duration,
    #[serde(default = "hold", deserialize_with = "duration")]
    hold: Duration,
    #[serde(default = "lag_per_consumer")]
    lag_per_consumer: u64,
    #[serde(default = "min_consumers")]
    min_consumers: u32,
    max_consumers: Option<u32>,
    consumer_capacity: Option<f64>,
}

fn groups() -> Groups {
    Groups::default()
}

fn interval() -> Duration {
    Duration::from_secs(2)
}

fn read_timeout() -> Duration {
    Duration::from_secs(2)
}

fn http_addr() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8080))
}

fn target_delay() -> Duration {
    Settings::default().target_delay
}

fn utilisation() -> f64 {
    Settings::default().utilisation
}

fn start_time() -> Duration {
    Settings::default().start_time
}

fn rebalance_pause() -> Duration {
    Settings::default().rebalance_pause
}

fn shrink_after() -> Duration {
    Settings::default().shrink_after
}

fn commit_interval() -> Duration {
    Settings::default().commit_interval
}

fn hold() -> Duration {
    Settings::default().hold
}

fn lag_per_consumer() -> u64 {
    Settings::default().lag_per_consumer
}

fn min_consumers() -> u32 {
    Settings::default().min_consumers
}

fn url<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    from_str(deserializer).map(Some)
}

const A_TIME: &str = "a time such as 10s, up to 1h";

const MONITOR_VARIABLES: &[Variable] = &[
    Variable {
        name: "GROUPS",
        default: Some("stock-readers:stocks"),
        expected: "GROUP:TOPIC, several with commas between",
        about: "the groups to watch; one that reads several topics is named with each of them",
    },
    Variable {
        name: "INTERVAL",
        default: Some("2s"),
        expected: "a time such as 2s, from 100ms to 1m",
        about: "from one round of reading to the next",
    },
    Variable {
        name: "READ_TIMEOUT",
        default: Some("2s"),
        expected: "a time such as 2s, from 100ms to 1m",
        about: "how long one question to Kafka may take",
    },
    Variable {
        name: "HTTP_ADDR",
        default: Some("0.0.0.0:8080"),
        expected: "ADDRESS:PORT",
        about: "where probes, metrics, the API and the live page listen",
    },
    Variable {
        name: "PRODUCER_URL",
        default: Some(""),
        expected: "a URL such as http://producer",
        about: "the producer, which is asked where each symbol goes while somebody looks at the live page",
    },
    Variable {
        name: "METRICS_API_ADDR",
        default: Some(""),
        expected: "ADDRESS:PORT, together with METRICS_API_CERTIFICATE_FILE and METRICS_API_KEY_FILE",
        about: "where the Kubernetes external metrics API listens; nowhere without it",
    },
    Variable {
        name: "METRICS_API_CERTIFICATE_FILE",
        default: Some(""),
        expected: "a readable PEM file",
        about: "its serving certificate, read again when it changes",
    },
    Variable { name: "METRICS_API_KEY_FILE", default: Some(""), expected: "a readable PEM file", about: "and its key" },
    Variable {
        name: "TARGET_DELAY",
        default: Some("10s"),
        expected: A_TIME,
        about: "no update shall wait longer than this",
    },
    Variable {
        name: "UTILISATION",
        default: Some("0.8"),
        expected: "a number above 0, at most 1",
        about: "the part of a consumer's capacity that is planned with",
    },
    Variable {
        name: "CONSUMER_CAPACITY",
        default: Some(""),
        expected: "a number above 0",
        about: "records per second one consumer can do; learned without it",
    },
    Variable {
        name: "LAG_PER_CONSUMER",
        default: Some("1000"),
        expected: "a whole number from 1",
        about: "records of lag one consumer is good for, until its capacity is known",
    },
    Variable {
        name: "MIN_CONSUMERS",
        default: Some("1"),
        expected: "a whole number from 1",
        about: "never fewer, unless there are fewer partitions",
    },
    Variable {
        name: "MAX_CONSUMERS",
        default: Some(""),
        expected: "a whole number, at least MIN_CONSUMERS",
        about: "never more; as many as partitions without it",
    },
    Variable {
        name: "START_TIME",
        default: Some("20s"),
        expected: A_TIME,
        about: "from a decision to grow until its consumers are there: the autoscaler's period and a pod's start",
    },
    Variable {
        name: "REBALANCE_PAUSE",
        default: Some("2s"),
        expected: A_TIME,
        about: "what a rebalance is taken to cost until members have measured it",
    },
    Variable {
        name: "SHRINK_AFTER",
        default: Some("20s"),
        expected: A_TIME,
        about: "how long fewer consumers must have been enough before one step down",
    },
    Variable {
        name: "COMMIT_INTERVAL",
        default: Some("1s"),
        expected: "a time such as 1s, at most TARGET_DELAY",
        about: "how often the members commit: what came since then is not behind",
    },
    Variable {
        name: "HOLD",
        default: Some("5m"),
        expected: A_TIME,
        about: "how long the last answer stands in for readings that fail",
    },
];

impl common::config::Config for Config {
    const VARIABLES: &'static [&'static [Variable]] = &[KAFKA_VARIABLES, MONITOR_VARIABLES, TELEMETRY_VARIABLES];

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.kafka.check()?;
        self.telemetry.check()?;
        let hour = Duration::from_secs(3600);
        let minute = Duration::from_secs(60);
        let tenth = Duration::from_millis(100);
        for (name, value, least, most) in [
            ("INTERVAL", self.interval, tenth, minute),
            ("READ_TIMEOUT", self.read_timeout, tenth, minute),
            ("TARGET_DELAY", self.target_delay, Duration::ZERO, hour),
            ("START_TIME", self.start_time, Duration::ZERO, hour),
            ("REBALANCE_PAUSE", self.rebalance_pause, Duration::ZERO, hour),
            ("SHRINK_AFTER", self.shrink_after, Duration::ZERO, hour),
            ("HOLD", self.hold, Duration::ZERO, hour),
        ] {
            if value < least || value > most {
                return Err((name, String::new()));
            }
        }
        self.planner().check().map_err(|error| (error.variable, String::new()))?;
        // What is asked within a cluster needs no TLS, and its client has none.
        if self.producer_url.as_ref().is_some_and(|url| url.scheme() != "http") {
            return Err(("PRODUCER_URL", String::new()));
        }
        self.check_metrics_api()
    }
}

impl Config {
    fn check_metrics_api(&self) -> Result<(), (&'static str, String)> {
        let files = [
            ("METRICS_API_CERTIFICATE_FILE", &self.metrics_api_certificate_file),
            ("METRICS_API_KEY_FILE", &self.metrics_api_key_file),
        ];
        for (name, file) in files {
            match (file, self.metrics_api_addr) {
                (None, Some(_)) => return Err((name, "it is not set, but METRICS_API_ADDR is".to_owned())),
                (Some(file), _) => {
                    std::fs::File::open(file).map_err(|error| (name, error.to_string()))?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Where the external metrics API is served, if at all.
    pub(crate) fn metrics_api(&self) -> Option<external_metrics::Settings> {
        Some(external_metrics::Settings {
            address: self.metrics_api_addr?,
            certificate_file: self.metrics_api_certificate_file.clone()?,
            key_file: self.metrics_api_key_file.clone()?,
        })
    }

    /// What the planner aims at.
    #[must_use]
    pub fn planner(&self) -> Settings {
        Settings {
            target_delay: self.target_delay,
            utilisation: self.utilisation,
            rebalance_pause: self.rebalance_pause,
            start_time: self.start_time,
            shrink_after: self.shrink_after,
            min_consumers: self.min_consumers,
            max_consumers: self.max_consumers,
            hold: self.hold,
            lag_per_consumer: self.lag_per_consumer,
            commit_interval: self.commit_interval,
            consumer_capacity: self.consumer_capacity,
        }
    }
}

#[cfg(test)]
mod tests {
    use common::config::load;

    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
        let kafka = [("KAFKA_BOOTSTRAP_SERVERS", "a:1")];
        let all = kafka.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(all).map_err(|error| error.to_string())
    }

    #[test]
    fn without_settings_the_planner_has_its_own() {
        let config = config(&[]).unwrap();
        assert_eq!(config.planner(), Settings::default());
        assert_eq!(config.groups.iter().map(ToString::to_string).collect::<Vec<_>>(), ["stock-readers (stocks)"]);
    }

    #[test]
    fn every_setting_reaches_the_planner() {
        let set = config(&[
            ("TARGET_DELAY", "5s"),
            ("UTILISATION", "0.5"),
            ("START_TIME", "3s"),
            ("REBALANCE_PAUSE", "500ms"),
            ("SHRINK_AFTER", "7s"),
            ("COMMIT_INTERVAL", "2s"),
            ("HOLD", "1m"),
            ("LAG_PER_CONSUMER", "50"),
            ("MIN_CONSUMERS", "2"),
            ("MAX_CONSUMERS", "9"),
            ("CONSUMER_CAPACITY", "123.5"),
        ]);
        let wanted = Settings {
            target_delay: Duration::from_secs(5),
            utilisation: 0.5,
            rebalance_pause: Duration::from_millis(500),
            start_time: Duration::from_secs(3),
            shrink_after: Duration::from_secs(7),
            min_consumers: 2,
            max_consumers: Some(9),
            hold: Duration::from_secs(60),
            lag_per_consumer: 50,
            commit_interval: Duration::from_secs(2),
            consumer_capacity: Some(123.5),
        };
        assert_eq!(set.unwrap().planner(), wanted);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_value() {
        for (name, value, reason) in [
            ("GROUPS", "stocks", "GROUP:TOPIC, several with commas between ('stocks' is not GROUP:TOPIC)"),
            ("INTERVAL", "1ms", "a time such as 2s, from 100ms to 1m"),
            ("UTILISATION", "1.5", "a number above 0, at most 1"),
            ("UTILISATION", "NaN", "a number above 0, at most 1"),
            ("MAX_CONSUMERS", "0", "a whole number, at least MIN_CONSUMERS"),
            ("CONSUMER_CAPACITY", "-1", "a number above 0"),
            ("PRODUCER_URL", "https://producer", "a URL such as http://producer"),
            ("COMMIT_INTERVAL", "11s", "a time such as 1s, at most TARGET_DELAY"),
        ] {
            let error = config(&[(name, value)]).unwrap_err();
            assert_eq!(error, format!("{name}={value:?}: expected {reason}"));
        }
        let error = config(&[("METRICS_API_ADDR", "0.0.0.0:6443")]).unwrap_err();
        assert!(
            error.starts_with(r#"METRICS_API_CERTIFICATE_FILE="": expected a readable PEM file (it is not"#),
            "{error}"
        );
    }

    #[test]
    fn the_docs_have_every_setting_as_it_is() {
        let docs = include_str!("../../../docs/configuration.md");
        assert!(common::config::is_documented::<Config>("Monitor", docs), "`make docs` writes them");
    }
}
