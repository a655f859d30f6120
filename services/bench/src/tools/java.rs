//! Kafka's own performance tools, as its scripts `kafka-producer-perf-test.sh` and `kafka-consumer-perf-test.sh` run
//! them.

use std::time::Duration;

use tokio::process::Command;

use super::{Run, patience};
use crate::Error;
use crate::broker::Broker;
use crate::child;
use crate::record::Format;

/// What the scripts tell the virtual machine (`kafka-run-class.sh` and the scripts' `KAFKA_HEAP_OPTS`).
const VIRTUAL_MACHINE: [&str; 6] = [
    "-Xmx512M",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
];

/// Sends each record to another partition, as keys do.
pub(super) const ROUND_ROBIN: &[&str] = &["partitioner.class=org.apache.kafka.clients.producer.RoundRobinPartitioner"];

/// How long a command that only asks may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Java and Kafka's jars.
#[derive(Debug)]
pub(crate) struct Java {
    class_path: String,
    jars_version: String,
    /// Which Java it is.
    pub(crate) version: String,
}

impl Java {
    /// Finds Kafka's jars by `KAFKA_CLASS_PATH` or `KAFKA_HOME`, and Java on the `PATH`.
    ///
    /// # Errors
    /// What is missing, and how to get it.
    pub(crate) async fn find() -> Result<Self, Error> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let in_home = || variable("KAFKA_HOME").map(|home| format!("{}/libs/*", home.trim_end_matches('/')));
        let remedy = "unpack Kafka 4.2 or later (kafka.apache.org/downloads) and set KAFKA_HOME to where it is";
        let missing = |what: &str| Error::Missing { what: format!("Kafka's tools: {what}"), remedy };
        let class_path = variable("KAFKA_CLASS_PATH")
            .or_else(in_home)
            .ok_or_else(|| missing("neither KAFKA_CLASS_PATH nor KAFKA_HOME is set"))?;
        let jars_version = jars_version(&class_path)
            .ok_or_else(|| missing("no kafka-clients-VERSION.jar is where KAFKA_CLASS_PATH or KAFKA_HOME says"))?;
        let mut command = child::command("java");
        command.arg("-version");
        let text = child::output("java", command, PATIENCE).await.map_err(|error| Error::Missing {
            what: format!("Java ({error})"),
            remedy: "install 17 or later, on Debian and Ubuntu with `apt-get install default-jre-headless`",
        })?;
        // openjdk version "17.0.15" 2025-04-15
        let version = text.split('"').nth(1).unwrap_or("of unknown version").to_owned();
        Ok(Self { class_path, jars_version, version })
    }

    /// The version of Kafka's jars, and the level that the broker's metadata have.
    ///
    /// # Errors
    /// Where Kafka's tool for that fails.
    pub(crate) async fn kafka_version(&self, broker: &Broker) -> Result<String, Error> {
        let mut command = self.command("org.apache.kafka.tools.FeatureCommand");
        command.args(["--bootstrap-server", broker.servers(), "describe"]);
        let text = child::output("FeatureCommand", command, PATIENCE).await?;
        let level = metadata_level(&text).unwrap_or("unknown");
        Ok(format!("{} (the broker's metadata.version is {level})", self.jars_version))
    }

    /// Sends records. It knows neither keys nor headers: the whole record is its value.
    pub(super) async fn produce(
        &self,
        broker: &Broker,
        topic: &str,
        format: Format,
        records: u64,
        properties: &[&str],
    ) -> Result<Run, Error> {
        let file = format.file()?;
        let mut command = self.command("org.apache.kafka.tools.ProducerPerformance");
        command
            .args(["--bootstrap-server", broker.servers(), "--topic", topic, "--throughput", "-1"])
            // The first record waits for a connection; what it calls steady state comes after.
            .args(["--num-records", &records.to_string(), "--warmup-records", "1"])
            .arg("--payload-file")
            .arg(file.path())
            .args(["--command-property", "acks=all", "enable.idempotence=true", "compression.type=lz4", "linger.ms=5"])
            .args(properties);
        let text = child::output("ProducerPerformance", command, patience(records)).await?;
        Ok(Run { rate: found("ProducerPerformance", &text, steady_rate(&text))?, peak: None })
    }

    /// Reads records.
    pub(super) async fn consume(&self, broker: &Broker, topic: &str, records: u64) -> Result<Run, Error> {
        let mut command = self.command("org.apache.kafka.tools.ConsumerPerformance");
        command
            .args(["--bootstrap-server", broker.servers(), "--topic", topic, "--group", &broker.group()])
            .args(["--num-records", &records.to_string()])
            .args(["--command-property", "group.protocol=consumer"]);
        let text = child::output("ConsumerPerformance", command, patience(records)).await?;
        let all = column(&text, "data.consumed.in.nMsg").is_some_and(|read| read >= as_float(records));
        let rate = column(&text, "fetch.nMsg.sec").filter(|_| all);
        Ok(Run { rate: found("ConsumerPerformance", &text, rate)?, peak: None })
    }

    fn command(&self, class: &str) -> Command {
        let mut command = child::command("java");
        command.args(VIRTUAL_MACHINE).arg("-cp").arg(&self.class_path).arg(class);
        command
    }
}

/// The version of the jars on a class path; `None` if Kafka's are not there.
fn jars_version(class_path: &str) -> Option<String> {
    let names: Vec<String> = match class_path.strip_suffix("/*") {
        Some(libs) => {
            let entries = std::fs::read_dir(libs).ok()?;
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        }
        None => class_path.split(':').map(ToOwned::to_owned).collect(),
    };
    names.iter().find_map(|name| client_version(name)).map(ToOwned::to_owned)
}

fn found(program: &str, text: &str, rate: Option<f64>) -> Result<f64, Error> {
    let untold = || Error::Untold { program: program.to_owned(), what: "rate", last: child::tail(text) };
    rate.ok_or_else(untold)
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
fn as_float(records: u64) -> f64 {
    records as f64
}

/// The version in `kafka-clients-4.3.1.jar`.
fn client_version(path: &str) -> Option<&str> {
    let version = path.rsplit('/').next()?.strip_prefix("kafka-clients-")?.strip_suffix(".jar")?;
    version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
}

fn metadata_level(text: &str) -> Option<&str> {
    let line = text.lines().find(|line| line.contains("metadata.version"))?;
    line.split("FinalizedVersionLevel:").nth(1)?.split_whitespace().next()
}

/// The rate in `1800000 steady state records sent, 329791.132283 records/sec (…`.
fn steady_rate(text: &str) -> Option<f64> {
    let (_, rest) = text.split_once(" steady state records sent, ")?;
    rest.split(" records/sec").next()?.parse().ok()
}

/// A column of the table that the consumer tool prints.
fn column(text: &str, name: &str) -> Option<f64> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("start.time"));
    let at = lines.next()?.split(", ").position(|title| title == name)?;
    lines.next()?.split(", ").nth(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_producer_s_steady_rate_is_read() {
        let text = "2000000 records sent, 254420.557181 records/sec (3.13 MB/sec), 23.84 ms avg latency\n\
            1800000 steady state records sent, 329791.132283 records/sec (4.06 MB/sec), 21.21 ms avg latency\n";
        assert_eq!(steady_rate(text), Some(329_791.132_283));
        assert_eq!(steady_rate("2000000 records sent, 254420.557181 records/sec"), None);
    }

    #[test]
    fn the_consumer_s_columns_are_read() {
        let text = "a warning\nstart.time, end.time, data.consumed.in.nMsg, nMsg.sec, fetch.nMsg.sec\n\
            2026-11-22 18:47:49:925, 2026-11-22 18:47:53:868, 3000000, 760841.9985, 1051524.7108\n";
        assert_eq!(column(text, "fetch.nMsg.sec"), Some(1_051_524.710_8));
        assert_eq!(column(text, "data.consumed.in.nMsg"), Some(3e6));
        assert_eq!(column(text, "other"), None);
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(client_version("/opt/kafka/libs/kafka-clients-4.3.1.jar"), Some("4.3.1"));
        assert_eq!(client_version("/opt/kafka/libs/kafka-clients-test.jar"), None);
        let features = "Feature: kraft.version\tFinalizedVersionLevel: 1\tEpoch: 7\n\
            Feature: metadata.version\tSupportedMaxVersion: 4.3-IV0\tFinalizedVersionLevel: 4.3-IV0\tEpoch: 7\n";
        assert_eq!(metadata_level(features), Some("4.3-IV0"));
    }
}
