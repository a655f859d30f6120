//! What a burst came to under one way to scale.

use std::fmt::Write as _;
use std::time::Duration;

use super::source::Source;
use crate::stage::number;

/// One burst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    /// From the rise of lag to the third replica ready.
    pub(crate) reaction: Result<Duration, Untimed>,
    /// From the burst's end until nothing waits longer than usual.
    pub(crate) drain: Result<Duration, Untimed>,
    /// Of a hundred updates, ninety-nine took no longer.
    pub(crate) p99: Duration,
    /// The longest that one took.
    pub(crate) worst: Duration,
    /// How often partitions were given to others.
    pub(crate) rebalances: usize,
    /// Replicas over time, in seconds of one.
    pub(crate) replica_seconds: f64,
}

/// Why something took no time that could be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untimed {
    /// It did not come to that.
    Never,
    /// It was so before the burst: nothing had to be done for it.
    AlreadyThere,
}

impl Untimed {
    fn told(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::AlreadyThere => "already there",
        }
    }
}

/// The table, a row for each way: the median of its bursts, and where they differ from the least to the most.
pub(crate) fn table(results: &[(Source, Vec<Figures>)]) -> String {
    let mut text = "| `autoscaling.source` | third replica ready | drained | p99 delay | worst delay | rebalances | \
        replica-seconds |\n|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for (source, bursts) in results {
        let cells = [
            cell(bursts, |burst| burst.reaction.map(|time| time.as_secs_f64()), tenths),
            cell(bursts, |burst| burst.drain.map(|time| time.as_secs_f64()), tenths),
            cell(bursts, |burst| Ok(burst.p99.as_secs_f64()), tenths),
            cell(bursts, |burst| Ok(burst.worst.as_secs_f64()), tenths),
            cell(bursts, |burst| Ok(burst.rebalances as f64), whole),
            cell(bursts, |burst| Ok(burst.replica_seconds), whole),
        ];
        let _ = writeln!(text, "| {} | {} |", source.told(), cells.join(" | "));
    }
    text
}

fn tenths(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
fn whole(value: f64) -> String {
    number(value.round() as u64)
}

fn cell(bursts: &[Figures], figure: impl Fn(&Figures) -> Result<f64, Untimed>, told: fn(f64) -> String) -> String {
    let mut values: Vec<_> = bursts.iter().filter_map(|burst| figure(burst).ok()).collect();
    values.sort_by(f64::total_cmp);
    let mut parts = Vec::new();
    if let (Some(least), Some(most)) = (values.first(), values.last()) {
        let median = told(f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]));
        parts.push(if told(*least) == told(*most) {
            median
        } else {
            format!("{median} ({} to {})", told(*least).trim_end_matches(" s"), told(*most))
        });
    }
    for why in [Untimed::Never, Untimed::AlreadyThere] {
        match bursts.iter().filter(|burst| figure(burst) == Err(why)).count() {
            0 => {}
            all if all == bursts.len() => parts.push(why.told().to_owned()),
            some => parts.push(format!("{some} {}", why.told())),
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burst(reaction: Result<u64, Untimed>, replica_seconds: f64) -> Figures {
        let second = Duration::from_secs(1);
        let reaction = reaction.map(Duration::from_secs);
        Figures { reaction, drain: Ok(second), p99: second, worst: second, rebalances: 2, replica_seconds }
    }

    /// The table's only row, in cells.
    fn row(bursts: Vec<Figures>) -> Vec<String> {
        let text = table(&[(Source::Monitor, bursts)]);
        text.lines().last().unwrap().trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect()
    }

    #[test]
    fn a_row_has_medians_and_ranges_and_says_what_never_came() {
        let row = row(vec![burst(Ok(20), 400.0), burst(Err(Untimed::Never), 1300.0), burst(Ok(10), 500.0)]);
        let reaction = "15.0 s (10.0 to 20.0 s), 1 never";
        assert_eq!(row, ["`monitor` (default)", reaction, "1.0 s", "1.0 s", "1.0 s", "2", "500 (400 to 1,300)"]);
    }

    #[test]
    fn who_had_three_replicas_before_the_burst_is_not_the_quickest() {
        let there = burst(Err(Untimed::AlreadyThere), 400.0);
        assert_eq!(row(vec![there; 3])[1], "already there");
        assert_eq!(row(vec![there, burst(Ok(20), 400.0), there])[1], "20.0 s, 2 already there");
    }
}
