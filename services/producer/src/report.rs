//! What the producer says of a run: what it is about to do, how it went, and where each symbol went.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal as _, Write as _};

use crate::config::ProducerConfig;
use crate::ledger::Route;
use crate::load::Run;

/// How wide the routing table may be, in characters.
const WIDTH: usize = 100;

/// A number with its digits in groups of three: `10,000`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grouped(pub(crate) u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// Says what is about to be sent.
pub(crate) fn beginning(config: &ProducerConfig, partitions: i32) {
    let updates = match config.updates {
        0 => "updates without end".to_owned(),
        updates => format!("{} updates", Grouped(updates)),
    };
    let rate = match config.rate {
        0 => "as fast as it can".to_owned(),
        rate => format!("at {} per second", Grouped(rate.into())),
    };
    let (symbols, topic) = (config.symbols.listings().len(), &config.topic);
    tracing::info!("sending {updates} of {symbols} symbols to topic {topic} ({partitions} partitions), {rate}");
}

/// Says how a run went and where its updates are.
pub(crate) fn ending(run: &Run, routes: &[Route]) {
    let seconds = run.time.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = (run.totals.acknowledged as f64 / seconds.max(1e-9)).round();
    let (acknowledged, failed) = (run.totals.acknowledged, run.totals.failed);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is a small positive number")]
    let pace = Grouped(rate as u64);
    let failures = if failed == 0 { String::new() } else { format!(", {} failed", Grouped(failed)) };
    let summary =
        format!("{} updates acknowledged in {seconds:.1} s, {pace} per second{failures}", Grouped(acknowledged));
    if std::io::stdout().is_terminal() {
        tracing::info!("{summary}");
        // A terminal that is gone is no reason to fail.
        let _ = std::io::stdout().write_all(table(routes).as_bytes());
    } else {
        tracing::info!(acknowledged, failed, seconds, rate, "{summary}");
        for (partition, routes) in by_partition(routes) {
            let updates: u64 = routes.iter().map(|route| route.updates).sum();
            let symbols: Vec<_> = routes.iter().map(|route| format!("{}={}", route.symbol, route.updates)).collect();
            tracing::info!(
                partition,
                updates,
                symbols = symbols.join(" "),
                "partition {partition} has {} updates of {} symbols",
                Grouped(updates),
                routes.len()
            );
        }
    }
}

fn by_partition(routes: &[Route]) -> BTreeMap<usize, Vec<Route>> {
    let mut partitions: BTreeMap<usize, Vec<Route>> = BTreeMap::new();
    for route in routes {
        partitions.entry(route.partition).or_default().push(*route);
    }
    partitions
}

/// One row per partition, its symbols wrapped.
fn table(routes: &[Route]) -> String {
    let mut table = String::from("\n  partition     updates  symbols\n");
    for (partition, routes) in by_partition(routes) {
        let updates = routes.iter().map(|route| route.updates).sum();
        let mut line = format!("  {partition:>9}  {:>10}", Grouped(updates));
        for route in routes {
            let entry = format!("  {} {}", route.symbol, Grouped(route.updates));
            if line.len() + entry.len() > WIDTH {
                table += &line;
                table.push('\n');
                line = " ".repeat(23);
            }
            line += &entry;
        }
        table += &line;
        table.push('\n');
    }
    table.push('\n');
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::Universe;

    #[test]
    fn numbers_are_grouped_by_three_digits() {
        let grouped = [0, 999, 1_000, 123_456, 10_000_000].map(|number| Grouped(number).to_string());
        assert_eq!(grouped, ["0", "999", "1,000", "123,456", "10,000,000"]);
    }

    #[test]
    fn the_table_shows_each_partition_and_its_symbols() {
        let route = |symbol: &str, partition, updates| Route { symbol: symbol.parse().unwrap(), partition, updates };
        let routes = [route("AAPL", 0, 812), route("AMZN", 2, 1_790), route("META", 0, 5)];
        let expected = "
  partition     updates  symbols
          0         817  AAPL 812  META 5
          2       1,790  AMZN 1,790

";
        assert_eq!(table(&routes), expected);
    }

    #[test]
    fn no_line_of_the_table_is_too_wide() {
        let universe = Universe::best_known(500);
        let listings = universe.listings().iter().zip(0..);
        let routes: Vec<_> =
            listings.map(|(l, n)| Route { symbol: l.symbol, partition: n % 3, updates: 1_000_000 }).collect();
        assert!(table(&routes).lines().all(|line| line.len() <= WIDTH));
        assert_eq!(table(&routes).matches("1,000,000").count(), 500);
    }
}
