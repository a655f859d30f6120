//! The tables, in Markdown.

use std::time::Duration;

use crate::contest::Contest;
use crate::footprint::{Footprint, Footprints, STEADY_RATE};
use crate::machine::Machine;
use crate::memory::{self, MIB};
use crate::options::Options;
use crate::record::Format;
use crate::scale::{GROUPS, PARTITIONS, Scale};
use crate::tools::Program;

/// Resident memory at a steady rate, at most, in bytes.
const STEADY_TARGET: u64 = 64 * MIB;

/// A monitor's round, at most.
const ROUND_TARGET: Duration = Duration::from_secs(1);

/// Start to ready, at most, in milliseconds.
const READY_TARGET: u128 = 500;

/// All that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) options: Options,
    pub(crate) machine: Machine,
    pub(crate) kafka: String,
    pub(crate) java: String,
    /// Why the C program is not there, if so.
    pub(crate) c: Option<String>,
    pub(crate) producers: Contest,
    pub(crate) consumers: Contest,
    pub(crate) footprints: Footprints,
    pub(crate) scale: Scale,
}

impl Report {
    /// The tables.
    pub(crate) fn markdown(&self) -> String {
        let mut sections = vec![self.setting()];
        sections.push(contest("Producers", &self.producers, Program::PRODUCERS, PRODUCER_NAMES));
        sections.push(contest("Consumers", &self.consumers, Program::CONSUMERS, CONSUMER_NAMES));
        sections.extend(self.c.as_deref().map(|why| {
            let why = why.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            format!("`rdkafka_performance` could not be built: {why}")
        }));
        sections.push(self.footprint());
        sections.push(self.scale());
        sections.join("\n\n")
    }

    fn setting(&self) -> String {
        let extent = self.options.extent();
        let mut rows = self.machine.rows();
        rows.push(("Kafka", self.kafka.clone()));
        rows.push(("Java", self.java.clone()));
        rows.push(("librdkafka", rdkafka::util::get_rdkafka_version().1));
        let (rounds, records) = (extent.rounds, grouped(extent.records));
        rows.push(("Runs", format!("{rounds} of each program, {records} records each")));
        rows.push(("Command", format!("`{}`", self.options.command())));
        let rows: String = rows.into_iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
        format!("| | |\n|---|---|\n{}", rows.trim_end())
    }

    fn footprint(&self) -> String {
        let Footprints { producer, consumer } = self.footprints;
        let row = |name, footprint: Footprint, contest: &Contest, bound: fn(Format) -> u64| {
            let peaks = Format::ALL.map(|format| match contest.peak(format) {
                Some(peak) => format!("{} of {}", mib(peak), mib(bound(format))),
                None => "–".to_owned(),
            });
            let ready = footprint.ready.as_millis();
            format!(
                "| {name} | {} {} | {} | {} | {ready} ms {} |",
                mib(footprint.steady),
                mark(footprint.steady < STEADY_TARGET),
                grouped_rate(footprint.rate),
                peaks.join(" | "),
                mark(ready < READY_TARGET)
            )
        };
        format!(
            "### Memory and start\n\n\
            | | resident at {}/s (< {}) | measured rate | peak at full speed, 100-byte records | peak at full \
            speed, quotes | start to ready (< {READY_TARGET} ms) |\n|---|---|---|---|---|---|\n{}\n{}",
            grouped(STEADY_RATE.into()),
            mib(STEADY_TARGET),
            row("producer", producer, &self.producers, memory::producer_bound),
            row("consumer", consumer, &self.consumers, memory::consumer_bound)
        )
    }

    fn scale(&self) -> String {
        let Scale { round, within, resident, scrape, scrape_bytes } = self.scale;
        let partitions = GROUPS * PARTITIONS.unsigned_abs();
        let lines = [
            format!("### The monitor, {} partitions of {GROUPS} groups", grouped(partitions.into())),
            String::new(),
            "| round, mean | every round within (< 1 s) | resident (< 64 MiB) | scrape, median | of |".to_owned(),
            "|---|---|---|---|---|".to_owned(),
            format!(
                "| {} ms | {} ms {} | {} {} | {:.1} ms | {} KiB |",
                round.as_millis(),
                within.as_millis(),
                mark(within < ROUND_TARGET),
                mib(resident),
                mark(resident < STEADY_TARGET),
                scrape.as_secs_f64() * 1000.0,
                scrape_bytes / 1024,
            ),
        ];
        lines.join("\n")
    }
}

/// A program's name in a table, and how many times as fast ours shall be.
type Name = fn(Program) -> (&'static str, Option<f64>);

const PRODUCER_NAMES: Name = |program| match program {
    Program::Ours => ("`producer`", None),
    Program::Java => ("Java `ProducerPerformance`, spread", Some(1.0)),
    Program::JavaBare => ("Java `ProducerPerformance`, as it comes", Some(1.0)),
    Program::C => ("C `rdkafka_performance -P`, the same records", Some(0.85)),
    Program::CBare => ("C `rdkafka_performance -P`, values without key or header", None),
};

const CONSUMER_NAMES: Name = |program| match program {
    Program::Ours => ("`consumer`", None),
    Program::Java | Program::JavaBare => ("Java `ConsumerPerformance`", Some(1.0)),
    Program::C => ("C `rdkafka_performance -G`, in a group", Some(0.8)),
    Program::CBare => ("C `rdkafka_performance -C`, without a group", None),
};

fn contest(title: &str, contest: &Contest, programs: &[Program], name: Name) -> String {
    let mut table = format!("### {title}\n\n| records per second (ratio: ours to it) |");
    for format in Format::ALL {
        table += &format!(" {} | ratio |", format.title());
    }
    table += " ratio to reach |\n|---|---|---|---|---|---|\n";
    for &program in programs {
        let (name, target) = name(program);
        table += &format!("| {name} |");
        for format in Format::ALL {
            let rate = contest.rate(program, format).map_or_else(|| "–".to_owned(), grouped_rate);
            let ratio = contest.ratio(program, format).filter(|_| program != Program::Ours);
            let ratio = ratio.map(|ratio| match target {
                Some(target) => format!("{ratio:.2} {}", mark(ratio >= target)),
                None => format!("{ratio:.2}"),
            });
            table += &format!(" {rate} | {} |", ratio.unwrap_or_default());
        }
        table += &target.map_or_else(|| "  |\n".to_owned(), |target| format!(" {target} |\n"));
    }
    table.trim_end().to_owned()
}

fn mark(reached: bool) -> &'static str {
    if reached { "✓" } else { "✗" }
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(MIB))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is a positive number")]
fn grouped_rate(rate: f64) -> String {
    grouped(rate.round() as u64)
}

/// A number with its digits in groups of three: `10,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
