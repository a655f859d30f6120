//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// Measures the producer and the consumer beside Kafka's Java tools and librdkafka's C one, on the broker at
/// `KAFKA_BOOTSTRAP_SERVERS`, and prints tables in Markdown. Kafka's jars are found by `KAFKA_CLASS_PATH`
/// or in `KAFKA_HOME/libs`.
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    after_help = "Exit code: 0 if all was measured, whatever the figures; 1 if a program failed; 2 if something is \
    missing; 130 if it was interrupted."
)]
pub struct Options {
    /// Looks only whether everything runs: one round, few records
    #[arg(long, conflicts_with_all = ["rounds", "records", "write"])]
    pub quick: bool,
    /// Times that each program runs; the median counts
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    pub rounds: u32,
    /// Records of each run
    #[arg(long, value_name = "COUNT", default_value_t = 2_000_000, value_parser = clap::value_parser!(u32).range(200_000..=100_000_000))]
    pub records: u32,
    /// Writes the tables also into this document, between its markers
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Times that each program runs.
    pub(crate) rounds: usize,
    /// Records of each run.
    pub(crate) records: u64,
    /// Times that each service is started.
    pub(crate) starts: usize,
    /// How long the memory is watched at a steady rate.
    pub(crate) steady: Duration,
}

impl Options {
    pub(crate) fn extent(&self) -> Extent {
        if self.quick {
            return Extent { rounds: 1, records: 200_000, starts: 1, steady: Duration::from_secs(3) };
        }
        let rounds = self.rounds as usize;
        Extent { rounds, records: self.records.into(), starts: rounds, steady: Duration::from_secs(15) }
    }

    /// The command that does this again.
    pub(crate) fn command(&self) -> String {
        let defaults = Self::parse_from(["bench"]);
        if self.quick {
            "make bench BENCH=--quick".to_owned()
        } else if (self.rounds, self.records) == (defaults.rounds, defaults.records) {
            "make bench".to_owned()
        } else {
            format!("make bench BENCH='--rounds {} --records {}'", self.rounds, self.records)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_run_is_one_round_and_is_never_written_down() {
        let options = Options::try_parse_from(["bench", "--quick"]).unwrap();
        assert_eq!(options.extent().rounds, 1);
        assert!(Options::try_parse_from(["bench", "--quick", "--write", "x.md"]).is_err());
    }

    #[test]
    fn the_command_tells_what_was_changed() {
        assert_eq!(Options::parse_from(["bench", "--write", "x.md"]).command(), "make bench");
        let changed = Options::parse_from(["bench", "--rounds", "3"]).command();
        assert_eq!(changed, "make bench BENCH='--rounds 3 --records 2000000'");
        assert_eq!(Options::parse_from(["bench", "--quick"]).command(), "make bench BENCH=--quick");
    }
}
