//! The settings of the producer.

use std::net::SocketAddr;
use std::time::Duration;

use common::config::{Config, Variable, bytes, duration, from_str};
use common::kafka::{KAFKA_VARIABLES, KafkaConfig};
use common::telemetry::{TELEMETRY_VARIABLES, TelemetryConfig};
use serde::Deserialize;

use crate::load::MAX_RATE;
use crate::market::Distribution;
use crate::partition_map::PartitionMap;
use crate::universe::Universe;

/// The largest record, in bytes: a broker takes a batch of up to one megabyte.
const MAX_RECORD_BYTES: u64 = 900_000;

/// The longest name a topic can have.
const MAX_TOPIC_BYTES: usize = 249;

/// The producer's settings, one field per variable.
#[derive(Clone, Debug, Deserialize)]
pub struct ProducerConfig {
    #[serde(flatten)]
    pub(crate) kafka: KafkaConfig,
    #[serde(flatten)]
    pub(crate) telemetry: TelemetryConfig,
    #[serde(default = "defaults::topic")]
    pub(crate) topic: String,
    #[serde(default = "defaults::http_addr")]
    pub(crate) http_addr: SocketAddr,
    #[serde(default = "defaults::client_id")]
    pub(crate) client_id: String,
    #[serde(default = "defaults::updates")]
    pub(crate) updates: u64,
    #[serde(default = "defaults::rate")]
    pub(crate) rate: u32,
    #[serde(default, deserialize_with = "from_str")]
    pub(crate) symbols: Universe,
    #[serde(default = "defaults::seed")]
    pub(crate) seed: u64,
    #[serde(default, deserialize_with = "from_str")]
    pub(crate) distribution: Distribution,
    #[serde(default, deserialize_with = "from_str")]
    pub(crate) partition_map: PartitionMap,
    #[serde(default)]
    pub(crate) stay: bool,
    #[serde(default)]
    pub(crate) create_topic_partitions: u16,
    #[serde(default, deserialize_with = "bytes")]
    pub(crate) record_bytes: u64,
    #[serde(default = "defaults::shutdown_timeout", deserialize_with = "duration")]
    pub(crate) shutdown_timeout: Duration,
}

/// What a field is where its variable is not set, as [`VARIABLES`] says.
mod defaults {
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    pub(super) fn topic() -> String {
        "stocks".to_owned()
    }

    pub(super) fn http_addr() -> SocketAddr {
        (Ipv4Addr::UNSPECIFIED, 8080).into()
    }

    pub(super) fn client_id() -> String {
        "producer".to_owned()
    }

    pub(super) fn updates() -> u64 {
        10_000
    }

    pub(super) fn rate() -> u32 {
        500
    }

    pub(super) fn seed() -> u64 {
        1
    }

    pub(super) fn shutdown_timeout() -> Duration {
        Duration::from_secs(10)
    }
}

const VARIABLES: &[Variable] = &[
    Variable {
        name: "TOPIC",
        default: Some("stocks"),
        expected: "a topic's name (letters, digits, '.', '_', '-')",
        about: "where updates go",
    },
    Variable {
        name: "UPDATES",
        default: Some("10000"),
        expected: "a whole number, 0 for no end",
        about: "how many updates are sent",
    },
    Variable {
        name: "RATE",
        default: Some("500"),
        expected: "a whole number up to 10000000, 0 for as fast as it can",
        about: "how many updates are sent per second",
    },
    Variable {
        name: "SYMBOLS",
        default: Some("12"),
        expected: "a number from 1 to 500, or symbols with commas between",
        about: "how many of the best known stocks, or which stocks, have updates",
    },
    Variable {
        name: "SEED",
        default: Some("1"),
        expected: "a whole number from 0",
        about: "which random updates: the same seed gives the same",
    },
    Variable {
        name: "DISTRIBUTION",
        default: Some("uniform"),
        expected: "uniform, or zipf (the first symbol is hot)",
        about: "how updates are spread over the symbols",
    },
    Variable {
        name: "PARTITION_MAP",
        default: Some(""),
        expected: "SYMBOL:PARTITION, several with commas between",
        about: "symbols that go to a fixed partition instead of the one that Kafka's hash gives",
    },
    Variable {
        name: "STAY",
        default: Some("false"),
        expected: "true or false",
        about: "whether it keeps serving HTTP, ready for the next run, when all is sent",
    },
    Variable {
        name: "CREATE_TOPIC_PARTITIONS",
        default: Some("0"),
        expected: "a whole number up to 65535, 0 to wait until the topic is there",
        about: "with how many partitions the topic is created if it is missing",
    },
    Variable {
        name: "RECORD_BYTES",
        default: Some("0"),
        expected: "a size up to 900kB, such as 100B; 0 for no padding",
        about: "to which size of key, value and headers together a header `padding` fills a record, for benchmarks",
    },
    Variable {
        name: "CLIENT_ID",
        default: Some("producer"),
        expected: "a name",
        about: "what it calls itself to the brokers",
    },
    Variable {
        name: "HTTP_ADDR",
        default: Some("0.0.0.0:8080"),
        expected: "IP:PORT, port 0 for any that is free",
        about: "where it answers HTTP",
    },
    Variable {
        name: "SHUTDOWN_TIMEOUT",
        default: Some("10s"),
        expected: "a time such as 10s",
        about: "how long it waits for acknowledgements when told to stop",
    },
];

impl Config for ProducerConfig {
    const VARIABLES: &'static [&'static [Variable]] = &[VARIABLES, KAFKA_VARIABLES, TELEMETRY_VARIABLES];

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.kafka.check()?;
        self.telemetry.check()?;
        let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if self.topic.len() > MAX_TOPIC_BYTES || !self.topic.bytes().all(legal) || matches!(&*self.topic, "." | "..") {
            return Err(("TOPIC", "Kafka allows no such name".to_owned()));
        }
        if self.rate > MAX_RATE {
            return Err(("RATE", format!("it is above {MAX_RATE}")));
        }
        if self.record_bytes > MAX_RECORD_BYTES {
            return Err(("RECORD_BYTES", format!("it is above {MAX_RECORD_BYTES} bytes")));
        }
        match self.partition_map.iter().find(|(symbol, _)| !self.symbols.contains(*symbol)) {
            Some((symbol, _)) => Err(("PARTITION_MAP", format!("{symbol} is not among SYMBOLS"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use common::config::load;

    use super::*;

    fn config(variables: &[(&str, &str)]) -> Result<ProducerConfig, String> {
        let all = [&[("KAFKA_BOOTSTRAP_SERVERS", "a:1")], variables].concat();
        load(all.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned()))).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_the_table_promises() {
        let unset = format!("{:?}", config(&[]).unwrap());
        for variable in ProducerConfig::VARIABLES.iter().copied().flatten() {
            if let Some(default) = variable.default {
                let set = config(&[(variable.name, default)]).unwrap();
                assert_eq!(format!("{set:?}"), unset, "{}", variable.name);
            }
        }
    }

    #[test]
    fn every_field_has_its_variable() {
        let config = config(&[
            ("TOPIC", "t"),
            ("UPDATES", "7"),
            ("RATE", "0"),
            ("SYMBOLS", "AAPL,MSFT"),
            ("SEED", "18446744073709551615"),
            ("DISTRIBUTION", "zipf"),
            ("PARTITION_MAP", "MSFT:2"),
            ("STAY", "true"),
            ("CREATE_TOPIC_PARTITIONS", "3"),
            ("RECORD_BYTES", "100B"),
            ("CLIENT_ID", "me"),
            ("HTTP_ADDR", "[::1]:0"),
            ("SHUTDOWN_TIMEOUT", "1m 30s"),
        ])
        .unwrap();
        assert_eq!((&*config.topic, config.updates, config.rate, config.seed), ("t", 7, 0, u64::MAX));
        assert_eq!((config.symbols.listings().len(), config.distribution), (2, Distribution::Zipf));
        assert_eq!(config.partition_map.iter().next(), Some(("MSFT".parse().unwrap(), 2)));
        assert_eq!((config.stay, config.create_topic_partitions, config.record_bytes), (true, 3, 100));
        assert_eq!((&*config.client_id, config.http_addr.to_string()), ("me", "[::1]:0".to_owned()));
        assert_eq!(config.shutdown_timeout, Duration::from_secs(90));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_was_expected() {
        for (name, value, reason) in [
            ("TOPIC", "my topic", "Kafka allows no such name"),
            ("UPDATES", "-1", "invalid digit found in string"),
            ("RATE", "10000001", "it is above 10000000"),
            ("RATE", "fast", "invalid digit found in string"),
            ("SYMBOLS", "501", "501 is not within 1 to 500"),
            ("DISTRIBUTION", "normal", "it is neither"),
            ("PARTITION_MAP", "IBM:0", "IBM is not among SYMBOLS"),
            ("STAY", "maybe", "provided string was not `true` or `false`"),
            ("RECORD_BYTES", "1MB", "it is above 900000 bytes"),
            ("HTTP_ADDR", "8080", "invalid socket address syntax"),
        ] {
            let expected = ProducerConfig::VARIABLES.iter().copied().flatten().find(|variable| variable.name == name);
            let expected = expected.map(|variable| variable.expected).unwrap();
            let error = config(&[(name, value)]).unwrap_err();
            assert_eq!(error, format!("{name}={value:?}: expected {expected} ({reason})"));
        }
        assert!(config(&[("SHUTDOWN_TIMEOUT", "10")]).unwrap_err().starts_with(r#"SHUTDOWN_TIMEOUT="10": expected a"#));
    }

    #[test]
    fn the_docs_have_every_setting_as_it_is() {
        let docs = include_str!("../../../docs/configuration.md");
        assert!(common::config::is_documented::<ProducerConfig>("Producer", docs), "`make docs` writes them");
    }
}
