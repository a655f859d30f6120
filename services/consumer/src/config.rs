//! The consumer's settings.

use std::net::SocketAddr;
use std::time::Duration;

use common::config::{Variable, bytes, duration};
use common::kafka::{KAFKA_VARIABLES, KafkaConfig};
use common::telemetry::{TELEMETRY_VARIABLES, TelemetryConfig};
use rdkafka::ClientConfig;
use serde::Deserialize;

/// Everything the consumer takes from its environment.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    pub(crate) kafka: KafkaConfig,
    #[serde(flatten)]
    pub(crate) telemetry: TelemetryConfig,
    #[serde(default = "topic")]
    pub(crate) topic: String,
    #[serde(default = "group")]
    pub(crate) group: String,
    #[serde(default)]
    pub(crate) group_protocol: GroupProtocol,
    #[serde(default = "session_timeout", deserialize_with = "duration")]
    pub(crate) session_timeout: Duration,
    #[serde(default = "client_id")]
    pub(crate) client_id: String,
    #[serde(default = "http_addr")]
    pub(crate) http_addr: SocketAddr,
    #[serde(default = "lanes")]
    pub(crate) lanes: u32,
    #[serde(default = "max_in_flight")]
    pub(crate) max_in_flight: u32,
    #[serde(default, deserialize_with = "duration")]
    pub(crate) work: Duration,
    pub(crate) workers: Option<u32>,
    pub(crate) output_topic: Option<String>,
    #[serde(default = "dead_letter_topic")]
    pub(crate) dead_letter_topic: String,
    #[serde(default = "commit_interval", deserialize_with = "duration")]
    pub(crate) commit_interval: Duration,
    #[serde(default = "drain_timeout", deserialize_with = "duration")]
    pub(crate) drain_timeout: Duration,
    #[serde(default = "fetch_buffer", deserialize_with = "bytes")]
    pub(crate) fetch_buffer: u64,
    #[serde(default = "fetch_wait", deserialize_with = "duration")]
    pub(crate) fetch_wait: Duration,
}

/// Which protocol the group speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupProtocol {
    /// KIP-848: the broker assigns, nobody stops for a rebalance that does not concern them.
    #[default]
    Consumer,
    /// The protocol of older brokers, with the cooperative-sticky assignor.
    Classic,
}

fn topic() -> String {
    "stocks".to_owned()
}

fn group() -> String {
    "stock-readers".to_owned()
}

fn session_timeout() -> Duration {
    Duration::from_secs(10)
}

fn client_id() -> String {
    format!("consumer-{}", std::process::id())
}

fn http_addr() -> SocketAddr {
    SocketAddr::from(([0, 0, 0, 0], 8080))
}

fn lanes() -> u32 {
    8
}

fn max_in_flight() -> u32 {
    4096
}

fn dead_letter_topic() -> String {
    "stocks-dead-letters".to_owned()
}

fn commit_interval() -> Duration {
    Duration::from_secs(1)
}

fn drain_timeout() -> Duration {
    Duration::from_secs(5)
}

fn fetch_buffer() -> u64 {
    32 * 1024 * 1024
}

fn fetch_wait() -> Duration {
    Duration::from_millis(50)
}

const CONSUMER_VARIABLES: &[Variable] = &[
    Variable { name: "TOPIC", default: Some("stocks"), expected: "a topic's name", about: "what to read" },
    Variable { name: "GROUP", default: Some("stock-readers"), expected: "a group's name", about: "the group to join" },
    Variable {
        name: "GROUP_PROTOCOL",
        default: Some("consumer"),
        expected: "consumer (KIP-848) or classic (cooperative-sticky, for brokers before 4.0)",
        about: "how the group shares partitions",
    },
    Variable {
        name: "SESSION_TIMEOUT",
        default: Some("10s"),
        expected: "a time such as 10s, from 1s to 5m",
        about: "after which a silent member is counted out, with the classic protocol (with KIP-848 the broker says)",
    },
    Variable {
        name: "CLIENT_ID",
        default: Some("consumer-PID"),
        expected: "1 to 200 letters, digits, dots, dashes and underscores",
        about: "the member's name, in commits and log lines; in Kubernetes the pod's",
    },
    Variable {
        name: "HTTP_ADDR",
        default: Some("0.0.0.0:8080"),
        expected: "ADDRESS:PORT",
        about: "where probes, metrics and the API listen",
    },
    Variable {
        name: "LANES",
        default: Some("8"),
        expected: "a whole number from 1 to 256",
        about: "ordered lanes per partition; 1 keeps a whole partition in order",
    },
    Variable {
        name: "MAX_IN_FLIGHT",
        default: Some("4096"),
        expected: "a whole number from 1 to 1000000",
        about: "records of one partition in work before it is paused (some 150 bytes each)",
    },
    Variable {
        name: "WORK",
        default: Some("0"),
        expected: "a time such as 5ms, up to 1h",
        about: "simulated work per update",
    },
    Variable {
        name: "WORKERS",
        default: Some(""),
        expected: "a whole number from 1 to 100000",
        about: "how many updates the process works on at once, over all partitions; no limit without it",
    },
    Variable {
        name: "OUTPUT_TOPIC",
        default: Some(""),
        expected: "a topic's name, not TOPIC",
        about: "where processed updates go on to; nowhere without it",
    },
    Variable {
        name: "DEAD_LETTER_TOPIC",
        default: Some("stocks-dead-letters"),
        expected: "a topic's name, not TOPIC",
        about: "where updates go that never can be processed",
    },
    Variable {
        name: "COMMIT_INTERVAL",
        default: Some("1s"),
        expected: "a time such as 1s, from 10ms to 1h",
        about: "how often finished work is committed; what a killed member finished since is done again",
    },
    Variable {
        name: "DRAIN_TIMEOUT",
        default: Some("5s"),
        expected: "a time such as 5s, up to 4m",
        about: "how long a hand-over may take to finish what has begun",
    },
    Variable {
        name: "FETCH_BUFFER",
        default: Some("32MiB"),
        expected: "a size such as 32MiB, from 1MiB to 1GiB",
        about: "how many bytes of fetched records may wait, and at most one record for each KiB of it",
    },
    Variable {
        name: "FETCH_WAIT",
        default: Some("50ms"),
        expected: "a time such as 50ms, from 1ms to 10s",
        about: "how long a broker may hold a fetch back while nothing comes",
    },
];

impl common::config::Config for Config {
    const VARIABLES: &'static [&'static [Variable]] = &[CONSUMER_VARIABLES, KAFKA_VARIABLES, TELEMETRY_VARIABLES];

    fn check(&self) -> Result<(), (&'static str, String)> {
        self.kafka.check()?;
        self.telemetry.check()?;
        let is_name = |name: &str| {
            (1..=200).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        let within = |name, value: Duration, least: Duration, most: Duration| {
            if (least..=most).contains(&value) { Ok(()) } else { Err((name, "it is outside that range".to_owned())) }
        };
        let (ms, second, hour) = (Duration::from_millis(1), Duration::from_secs(1), Duration::from_secs(3600));
        for (name, topic) in [
            ("TOPIC", Some(&self.topic)),
            ("OUTPUT_TOPIC", self.output_topic.as_ref()),
            ("DEAD_LETTER_TOPIC", Some(&self.dead_letter_topic)),
        ] {
            if topic.is_some_and(|topic| !is_name(topic)) {
                return Err((name, "it is not a name that a topic can have".to_owned()));
            }
            if name != "TOPIC" && topic == Some(&self.topic) {
                return Err((name, "what comes from TOPIC would go back to it".to_owned()));
            }
        }
        if !is_name(&self.client_id) {
            return Err(("CLIENT_ID", "it has other characters, or is too long".to_owned()));
        }
        if !(1..=256).contains(&self.lanes) {
            return Err(("LANES", "it is outside that range".to_owned()));
        }
        if !(1..=1_000_000).contains(&self.max_in_flight) {
            return Err(("MAX_IN_FLIGHT", "it is outside that range".to_owned()));
        }
        if !(1 << 20..=1 << 30).contains(&self.fetch_buffer) {
            return Err(("FETCH_BUFFER", "it is outside that range".to_owned()));
        }
        if self.workers.is_some_and(|workers| !(1..=100_000).contains(&workers)) {
            return Err(("WORKERS", "it is outside that range".to_owned()));
        }
        within("SESSION_TIMEOUT", self.session_timeout, second, 300 * second)?;
        within("WORK", self.work, Duration::ZERO, hour)?;
        within("COMMIT_INTERVAL", self.commit_interval, 10 * ms, hour)?;
        within("DRAIN_TIMEOUT", self.drain_timeout, Duration::ZERO, 240 * second)?;
        within("FETCH_WAIT", self.fetch_wait, ms, 10 * second)
    }
}

impl Config {
    /// The settings of the group member's client.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = self.kafka.client(&self.client_id);
        client
            .set("group.id", &self.group)
            // Offsets are committed by this service alone, when their work is done.
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A new group, or a new partition, is read from its first record.
            .set("auto.offset.reset", "earliest")
            // With the defaults a fast reader waits a second whenever its queue was full.
            .set("fetch.queue.backoff.ms", "5")
            .set("fetch.wait.max.ms", self.fetch_wait.as_millis().to_string())
            .set("queued.max.messages.kbytes", (self.fetch_buffer / 1024).to_string())
            // That counts values alone, of which a small record has next to nothing beside some 350 bytes of
            // bookkeeping. So the number is bounded too, and what a fetch may bring on top: it is compressed.
            .set("queued.min.messages", (self.fetch_buffer / 1024).to_string())
            .set("max.partition.fetch.bytes", (self.fetch_buffer / 256).to_string());
        match self.group_protocol {
            GroupProtocol::Consumer => client.set("group.protocol", "consumer"),
            GroupProtocol::Classic => client
                .set("group.protocol", "classic")
                .set("partition.assignment.strategy", "cooperative-sticky")
                .set("session.timeout.ms", self.session_timeout.as_millis().to_string())
                .set("heartbeat.interval.ms", (self.session_timeout.as_millis() / 10).to_string()),
        };
        client
    }

    /// So long the member may take to hand everything over and leave the group.
    pub(crate) fn leave_timeout(&self) -> Duration {
        self.drain_timeout + Duration::from_secs(6)
    }

    /// The whole of a shutdown takes no longer than this: also HTTP, forwarded updates and spans come to their end.
    #[must_use]
    pub fn shutdown_timeout(&self) -> Duration {
        self.leave_timeout() + Duration::from_secs(4)
    }

    /// Reads settings given as pairs, as from the environment.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Result<Self, common::config::ConfigError> {
        common::config::load(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }
}
