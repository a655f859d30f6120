//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::burst::Burst;
use crate::script::Script;

/// Plays the life of a consumer group on this machine, with real processes over Kafka: one consumer alone, more join,
/// one is killed in the middle of its work and replaced, two leave. Then a burst comes that one consumer cannot take,
/// and the group scales as the monitor asks. An audit at the end counts from the topics alone what was lost, done twice
/// or out of order.
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    after_help = "Exit code: 0 if nothing was lost or out of order, 1 if anything was, or the story \
    could not be played, such as where the group did not scale; 2 for wrong options; 130 if it was interrupted."
)]
pub struct Options {
    /// Price updates to send, before those of the burst
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub updates: u64,
    /// Updates sent per second; 0 is as fast as it can
    #[arg(long, value_name = "PER_SECOND", default_value_t = 800)]
    pub rate: u32,
    /// Partitions of the topic
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=100))]
    pub partitions: i32,
    /// Consumers at the height of the story, and at most as it scales
    #[arg(long, value_name = "COUNT", default_value_t = 3, conflicts_with = "script")]
    pub consumers: usize,
    /// Time each update takes a consumer, one after the other
    #[arg(long, value_name = "TIME", default_value = "3ms", value_parser = humantime::parse_duration)]
    pub work: Duration,
    /// Seed of the random prices: the same seed sends the same updates
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Ticker symbols with commas between, or how many of the best known
    #[arg(long, value_name = "LIST|COUNT")]
    pub symbols: Option<String>,
    /// Events instead of the standard ones, each when so much is processed: join@10%,kill@35%,join@50%,leave@70%
    #[arg(long, value_name = "EVENTS")]
    pub script: Option<Script>,
    /// Leaves out the last act, in which a burst comes and the group scales, and the monitor
    #[arg(long)]
    pub no_scaling: bool,
    /// A running Kafka to use instead of the embedded one; topics of the demo's own are made there and deleted
    #[arg(long, value_name = "HOST:PORT")]
    pub bootstrap: Option<String>,
    /// One JSON object per event, the report last
    #[arg(long, conflicts_with = "plain")]
    pub json: bool,
    /// One line per event, also on a terminal
    #[arg(long)]
    pub plain: bool,
    /// Directory that gets a log file of each process
    #[arg(long, value_name = "DIR")]
    pub logs: Option<PathBuf>,
}

impl Options {
    /// The script that was asked for.
    ///
    /// # Errors
    /// Where the number of consumers is out of range.
    pub fn script(&self) -> Result<Script, String> {
        match &self.script {
            Some(script) => Ok(script.clone()),
            None => {
                Script::standard(self.consumers).map_err(|reason| format!("--consumers {}: {reason}", self.consumers))
            }
        }
    }
}

impl Options {
    /// The burst of the scaling act, unless that is left out.
    ///
    /// # Errors
    /// Where there can be none: the option and what is wrong with it.
    pub(crate) fn burst(&self) -> Result<Option<Burst>, String> {
        if self.no_scaling {
            return Ok(None);
        }
        Burst::new(self.partitions, self.consumers, self.work).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::try_parse_from([&["demo"], arguments].concat()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_options_it_is_ten_thousand_updates_over_three_partitions() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.updates, options.partitions, options.consumers), (10_000, 3, 3));
        assert_eq!(options.burst().unwrap().map(|burst| burst.consumers), Some(3));
        assert_eq!(options.script().unwrap(), Script::standard(3).unwrap());
    }

    #[test]
    fn a_wrong_value_is_named_with_its_reason() {
        for (arguments, expected) in [
            (["--script", "leave@10%"], "nobody is left at the end to finish the work"),
            (["--script", "jump@10%"], "'jump@10%' is not join, kill or leave"),
            (["--partitions", "0"], "0 is not in 1..=100"),
            (["--updates", "0"], "0 is not in 1..="),
            (["--work", "5 parsecs"], "invalid value '5 parsecs' for '--work <TIME>'"),
        ] {
            let error = parse(&arguments).unwrap_err();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
        assert!(parse(&["--work", "0s"]).unwrap().burst().unwrap_err().ends_with("or --no-scaling"));
        assert_eq!(parse(&["--work", "0s", "--no-scaling"]).unwrap().burst(), Ok(None));
        assert!(parse(&["--json", "--plain"]).is_err());
        assert!(parse(&["--consumers", "2", "--script", "join@1%"]).is_err());
        assert_eq!(
            parse(&["--consumers", "0"]).unwrap().script().unwrap_err(),
            "--consumers 0: 1 to 19 consumers can be watched"
        );
    }
}
