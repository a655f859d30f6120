//! librdkafka's own benchmark in C, built from the very sources, by the very compiler and against the very library
//! that our programs are built with.

use std::path::PathBuf;
use std::time::Duration;

use tokio::process::Command;

use super::{Run, patience, settings};
use crate::Error;
use crate::broker::{Broker, PARTITIONS};
use crate::child;
use crate::record::{Format, KEY, SEQUENCE, VALUE};

/// Where cargo has built librdkafka, sources and examples with it.
const ROOT: Option<&str> = option_env!("LIBRDKAFKA_ROOT");

const NAME: &str = "rdkafka_performance";

/// How long the build may take.
const BUILD_PATIENCE: Duration = Duration::from_secs(120);

/// The program.
#[derive(Debug)]
pub(crate) struct Librdkafka {
    program: PathBuf,
}

impl Librdkafka {
    /// Builds it by librdkafka's own Makefile (`cc -O2`), unless that has been done.
    ///
    /// # Errors
    /// Why it could not be built.
    pub(crate) async fn build() -> Result<Self, String> {
        let examples = PathBuf::from(ROOT.ok_or("librdkafka was not built from source")?).join("examples");
        let mut command = child::command("make");
        command.arg("-C").arg(&examples).arg(NAME);
        child::output("make", command, BUILD_PATIENCE).await.map_err(|error| error.to_string())?;
        Ok(Self { program: examples.join(NAME) })
    }

    /// Sends a record like ours over and over, to random partitions.
    pub(super) async fn produce(
        &self,
        broker: &Broker,
        topic: &str,
        format: Format,
        records: u64,
    ) -> Result<Run, Error> {
        let mut command = self.command(broker, topic, records);
        command.args(["-m", VALUE, "-k", KEY, "-H", SEQUENCE, "-X", "partitioner=random"]);
        if let Some(padding) = format.padding() {
            command.args(["-H", &padding]);
        }
        self.send(command, records).await
    }

    /// Sends values of the same size without key and header, so that whole batches go to one partition at a time.
    pub(super) async fn produce_bare(
        &self,
        broker: &Broker,
        topic: &str,
        format: Format,
        records: u64,
    ) -> Result<Run, Error> {
        let mut command = self.command(broker, topic, records);
        command.args(["-m", VALUE, "-s", &format.record_bytes().max(VALUE.len()).to_string()]);
        self.send(command, records).await
    }

    /// Reads as the only member of a group, of the classic protocol: it cannot do another.
    pub(super) async fn consume(&self, broker: &Broker, topic: &str, records: u64) -> Result<Run, Error> {
        let mut command = self.command(broker, topic, records);
        command.args(["-G", &broker.group()]);
        self.read(command, records).await
    }

    /// Reads all partitions by themselves, through one queue and a callback that a group's member cannot have.
    pub(super) async fn consume_bare(&self, broker: &Broker, topic: &str, records: u64) -> Result<Run, Error> {
        let mut command = self.command(broker, topic, records);
        command.args(["-C", "-o", "beginning"]);
        for partition in 0..PARTITIONS {
            command.args(["-p", &partition.to_string()]);
        }
        self.read(command, records).await
    }

    async fn send(&self, mut command: Command, records: u64) -> Result<Run, Error> {
        command
            .args(["-P", "-a", "all", "-z", "lz4", "-X", "enable.idempotence=true", "-X", "linger.ms=5"])
            // A row ten times a second: see `rate_of_rows`.
            .args(["-u", "-i", "100"]);
        // It exits with 1 where the last delivery is told before its queue is seen to be empty.
        let (text, _) = child::outcome(NAME, command, patience(records)).await?;
        run(&text, rate_of_rows(&text, records))
    }

    async fn read(&self, mut command: Command, records: u64) -> Result<Run, Error> {
        for (name, value) in settings::FETCH {
            command.arg("-X").arg(format!("{name}={value}"));
        }
        command.arg("-q");
        let text = child::output(NAME, command, patience(records)).await?;
        run(&text, rate_of_summary(&text, records))
    }

    fn command(&self, broker: &Broker, topic: &str, records: u64) -> Command {
        let mut command = child::command(&self.program);
        command.args(["-b", broker.servers(), "-t", topic, "-c", &records.to_string()]);
        command
    }
}

fn run(text: &str, rate: Option<f64>) -> Result<Run, Error> {
    let untold = || Error::Untold { program: NAME.to_owned(), what: "rate", last: child::tail(text) };
    Ok(Run { rate: rate.ok_or_else(untold)?, peak: None })
}

/// The rate from the first row with delivered records to the last one. The program's own figure counts from its
/// start, half a second of which it waits for its producer id.
fn rate_of_rows(text: &str, records: u64) -> Option<f64> {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<f64> = line.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
        // | elapsed in ms | msgs | bytes | rtt | delivered | …
        Some((*cells.first()?, *cells.get(4)?))
    });
    let delivered: Vec<_> = rows.filter(|(_, delivered)| *delivered > 0.0).collect();
    let ((begin, before), (end, after)) = (delivered.first()?, delivered.last()?);
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    let all = *after >= records as f64;
    // Few records may be delivered within one row.
    let (records, ms) = if end > begin { (after - before, end - begin) } else { (*after, *end) };
    all.then(|| records / ms * 1000.0)
}

/// The rate in `% 3000000 messages (35287539 bytes) consumed in 1144ms: 2620167 msgs/s (30.82 MB/s)`.
fn rate_of_summary(text: &str, records: u64) -> Option<f64> {
    let line = text.lines().find(|line| line.contains(" consumed in "))?;
    let read: u64 = line.strip_prefix("% ")?.split(' ').next()?.parse().ok()?;
    let (_, rest) = line.split_once("ms: ")?;
    rest.split(" msgs/s").next()?.parse().ok().filter(|_| read >= records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_s_summary_is_read_if_it_read_all() {
        let text = "% Group rebalanced\n\
            % 3000000 messages (35287539 bytes) consumed in 1144ms: 2620167 msgs/s (30.82 MB/s)\n";
        assert_eq!(rate_of_summary(text, 3_000_000), Some(2_620_167.0));
        assert_eq!(rate_of_summary(text, 3_000_001), None);
    }

    #[test]
    fn a_producer_s_rate_is_that_between_its_first_and_its_last_delivery() {
        let text = "% Sending 1000 messages\n\
            |    elapsed |       msgs |      bytes |        rtt |         dr |     dr_m/s \n\
            |        100 |       1000 |      15000 |          0 |          0 |          0 \n\
            |        600 |       1000 |      15000 |          0 |        200 |        333 \n\
            |        700 |       1000 |      15000 |          0 |       1000 |       1428 \n";
        assert_eq!(rate_of_rows(text, 1_000), Some(8_000.0));
        assert_eq!(rate_of_rows(text, 1_001), None);
        assert_eq!(rate_of_rows("| 500 | 1000 | 15000 | 0 | 1000 |\n", 1_000), Some(2_000.0));
    }
}
