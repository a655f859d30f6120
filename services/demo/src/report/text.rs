//! The report for people.

use ratatui::crossterm::style::{ContentStyle, Stylize as _};

use super::Report;
use crate::scaling::{Look, Scaling};
use crate::timeline::{Change, Move};
use crate::wording::{and, clock, count, updates};

/// So many symbols have a place in the table; the others are counted.
const SYMBOLS_SHOWN: usize = 60;

/// So many of the audit's findings are shown; the JSON report has a few more.
const FINDINGS_SHOWN: usize = 5;

/// Characters for the monitor's reasons, in lines that have 96 in all.
const WHY_WIDTH: usize = 50;

/// Symbols that stand side by side.
const COLUMNS: usize = 3;

/// Whether text may have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It may.
    Colours,
    /// It is for a file, a pipe, or somebody who wants none.
    Plain,
}

impl Paint {
    fn on(self, text: &str, style: impl FnOnce(ContentStyle) -> ContentStyle) -> String {
        match self {
            Self::Colours => style(ContentStyle::new()).apply(text).to_string(),
            Self::Plain => text.to_owned(),
        }
    }

    fn heading(self, text: &str) -> String {
        self.on(text, ContentStyle::bold)
    }

    fn quiet(self, text: &str) -> String {
        self.on(text, ContentStyle::dark_grey)
    }
}

impl Report {
    /// The whole report, lines of at most about 100 characters.
    #[must_use]
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut lines =
            vec![String::new(), paint.heading("Where each symbol's updates went (symbol → partition, updates)")];
        lines.extend(self.routing_table());
        lines.extend([String::new(), paint.heading("Rebalances")]);
        lines.extend(self.rebalances.iter().flat_map(|change| rows(change, paint)));
        lines.extend(self.scaling.iter().flat_map(|scaling| table(scaling, paint)));
        lines.extend([String::new(), paint.heading("Audit, counted from the topics alone")]);
        lines.push(format!("  {}", self.figures(paint)));
        lines.extend(self.sentences(paint).into_iter().map(|sentence| format!("  {sentence}")));
        let verdict = if self.passed {
            paint.on("✓ Nothing was lost, and no symbol's order broke.", |style| style.green().bold())
        } else {
            paint.on("✗ The audit fails.", |style| style.red().bold())
        };
        lines.push(format!("  {verdict} {}", paint.quiet(&format!("Took {}.", clock(self.took_ms)))));
        lines.join("\n")
    }

    fn routing_table(&self) -> Vec<String> {
        let mut routes: Vec<_> = self.routing.iter().collect();
        routes.sort_by_key(|route| (route.partition, &route.symbol));
        let shown = &routes[..routes.len().min(SYMBOLS_SHOWN)];
        // Down the columns, as one reads a list.
        let height = shown.len().div_ceil(COLUMNS);
        let mut lines: Vec<_> = (0..height)
            .map(|row| {
                let cells = shown.iter().skip(row).step_by(height.max(1));
                let cells = cells
                    .map(|route| format!("  {:<6} → {:<3}{:>7}", route.symbol, route.partition, count(route.updates)));
                cells.collect::<Vec<_>>().join("     ")
            })
            .collect();
        if routes.len() > shown.len() {
            lines.push(format!("  and {} more", routes.len() - shown.len()));
        }
        lines
    }

    fn figures(&self, paint: Paint) -> String {
        let audit = &self.audit;
        let must_be_none = |number: u64, name: &str| {
            let text = format!("{} {name}", count(number));
            paint.on(&text, |style| if number == 0 { style.green() } else { style.red().bold() })
        };
        let dead_letters = (audit.dead_letters > 0).then(|| format!("{} dead letters", count(audit.dead_letters)));
        let figures = [
            Some(format!("{} sent", count(audit.sent))),
            Some(format!("{} processed", count(audit.processed))),
            dead_letters,
            Some(must_be_none(audit.lost, "lost")),
            Some(format!("{} processed twice", count(audit.twice))),
            Some(must_be_none(audit.order_violations, "out of order")),
        ];
        figures.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn sentences(&self, paint: Paint) -> Vec<String> {
        let audit = &self.audit;
        let mut sentences = Vec::new();
        if self.acknowledged < self.updates {
            sentences.push(format!(
                "Kafka acknowledged only {} of {}.",
                count(self.acknowledged),
                updates(self.updates)
            ));
        }
        if audit.sent != self.acknowledged {
            let (sent, acknowledged) = (count(audit.sent), count(self.acknowledged));
            sentences.push(format!("Kafka acknowledged {acknowledged}, and has {sent}."));
        }
        let killed: Vec<_> = self.kills.keys().collect();
        let unexplained = audit.twice - audit.twice_explained;
        if audit.twice_explained > 0 {
            sentences.push(format!(
                "{} done again after the kill: {} had not committed them yet.",
                updates(audit.twice_explained),
                and(&killed)
            ));
        }
        if unexplained > 0 {
            let sentence = format!("{} done twice without a kill to explain it.", updates(unexplained));
            sentences.push(paint.on(&sentence, |style| style.red().bold()));
        }
        sentences
            .extend(audit.findings.iter().take(FINDINGS_SHOWN).map(|finding| paint.on(finding, ContentStyle::red)));
        sentences
    }
}

fn rows(change: &Change, paint: Paint) -> Vec<String> {
    let row = |(number, moved): (usize, &Move)| {
        let (at, title) = if number == 0 { (clock(change.at_ms), change.title()) } else { Default::default() };
        let from = moved.from.as_ref().map_or(String::new(), |from| format!("{from} → "));
        let pause = paint.quiet(&moved.pause());
        format!("{at:>9}  {title:<22}  {:>3}  {from}{}{pause}", moved.partition, moved.to)
    };
    if change.moves.is_empty() {
        let nothing = paint.quiet("nothing moves for it");
        return vec![format!("{:>9}  {:<22}  {:>3}  {nothing}", clock(change.at_ms), change.title(), "–")];
    }
    change.moves.iter().enumerate().map(row).collect()
}

/// The act, change by change.
fn table(scaling: &Scaling, paint: Paint) -> Vec<String> {
    let heading = format!("Scaling for {}, as the monitor asks", updates(scaling.updates));
    let columns = format!("{:>9} {:>7} {:>7}  {:>6}  {:>9}  {}", "time", "lag", "delay", "wanted", "consumers", "why");
    let mut lines = vec![String::new(), paint.heading(&heading), paint.quiet(&columns)];
    for Look { at_ms, lag, delay_seconds, desired, consumers, sentence } in scaling.changes() {
        let known = |figure: Option<String>| figure.unwrap_or_else(|| "–".to_owned());
        let delay = known(delay_seconds.map(|delay| format!("{delay:.1} s")));
        let (lag, desired) = (known(lag.map(count)), known(desired.map(|desired| desired.to_string())));
        let figures = format!("{:>9} {lag:>7} {delay:>7}  {desired:>6}  {consumers:>9}  ", clock(*at_ms));
        let why = sentence.split_once(": ").map_or(sentence.as_str(), |(_, why)| why);
        let margin = " ".repeat(figures.chars().count());
        let beginnings = std::iter::once(figures).chain(std::iter::repeat(margin));
        lines.extend(beginnings.zip(wrapped(why, WHY_WIDTH)).map(|(beginning, text)| beginning + &text));
    }
    lines.push(format!("  The longest delay was {:.1} s.", scaling.worst_delay_seconds));
    lines
}

/// Lines of whole words, of at most `width` characters where words are no longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_door::Route;
    use crate::timeline::Cause;
    use audit::Audit;

    fn report(audit: Audit) -> Report {
        let route = |symbol: &str, partition, updates| Route { symbol: symbol.into(), partition, updates };
        let moved = |partition, from: Option<&str>, pause_ms| Move {
            partition,
            at_ms: 0,
            from: from.map(Into::into),
            to: "consumer-1".into(),
            pause_ms,
        };
        let change = |at_ms, member: &str, cause, moves| Change { at_ms, member: member.into(), cause, moves };
        let look = |at_ms, lag, delay_seconds, desired, consumers, sentence: &str| Look {
            at_ms,
            lag,
            delay_seconds,
            desired,
            consumers,
            sentence: sentence.into(),
        };
        let alone = "1: partition load 9/s of 333/s each; no fewer are allowed";
        let needed = "3: partition load 151/s of 333/s each; 2 would drain 1,302 behind in 38 s, target 5 s";
        let mut scaling = Scaling { most: 3, updates: 5_432, ..Scaling::default() };
        for look in [
            look(17_000, Some(0), Some(0.0), Some(1), 1, alone),
            look(18_000, Some(400), Some(0.6), Some(1), 1, alone),
            look(19_000, Some(1_302), Some(2.1), Some(3), 1, needed),
            look(20_000, None, None, None, 3, needed),
        ] {
            scaling.note(look);
        }
        Report {
            passed: audit.holds(),
            took_ms: 21_400,
            updates: 10_000,
            acknowledged: 10_000,
            routing: vec![route("AAPL", 0, 812), route("AMZN", 2, 790), route("GOOGL", 1, 1_805), route("MSFT", 0, 9)],
            rebalances: vec![
                change(200, "consumer-1", Cause::Joined, vec![moved(0, None, None), moved(1, None, None)]),
                change(6_000, "consumer-2", Cause::Killed, vec![moved(1, Some("consumer-2"), Some(3_410))]),
                change(7_000, "consumer-4", Cause::Joined, vec![]),
            ],
            scaling: Some(scaling),
            kills: [("consumer-2".to_owned(), [(1, 990)].into())].into(),
            audit,
        }
    }

    #[test]
    fn a_person_can_read_it() {
        let audit = Audit { sent: 10_000, processed: 10_000, twice: 97, twice_explained: 97, ..Audit::default() };
        assert_eq!(
            report(audit).text(Paint::Plain),
            "
Where each symbol's updates went (symbol → partition, updates)
  AAPL   → 0      812       GOOGL  → 1    1,805
  MSFT   → 0        9       AMZN   → 2      790

Rebalances
    0.2 s  consumer-1 joins          0  consumer-1
                                     1  consumer-1
    6.0 s  consumer-2 is killed      1  consumer-2 → consumer-1, paused 3.41 s
    7.0 s  consumer-4 joins          –  nothing moves for it

Scaling for 5,432 updates, as the monitor asks
     time     lag   delay  wanted  consumers  why
   17.0 s       0   0.0 s       1          1  partition load 9/s of 333/s each; no fewer are
                                              allowed
   19.0 s   1,302   2.1 s       3          1  partition load 151/s of 333/s each; 2 would drain
                                              1,302 behind in 38 s, target 5 s
   20.0 s       –       –       –          3  partition load 151/s of 333/s each; 2 would drain
                                              1,302 behind in 38 s, target 5 s
  The longest delay was 2.1 s.

Audit, counted from the topics alone
  10,000 sent, 10,000 processed, 0 lost, 97 processed twice, 0 out of order
  97 updates done again after the kill: consumer-2 had not committed them yet.
  ✓ Nothing was lost, and no symbol's order broke. Took 21.4 s."
        );
    }

    #[test]
    fn what_is_wrong_is_told() {
        let audit = Audit {
            sent: 9_999,
            processed: 9_998,
            lost: 1,
            twice: 1,
            findings: vec!["offset 7 of partition 1 never came out".into()],
            ..Audit::default()
        };
        let text = report(audit).text(Paint::Plain);
        for line in [
            "9,999 sent, 9,998 processed, 1 lost, 1 processed twice, 0 out of order",
            "offset 7 of partition 1 never came out",
            "Kafka acknowledged 10,000, and has 9,999.",
            "1 update done twice without a kill to explain it.",
            "✗ The audit fails. Took 21.4 s.",
        ] {
            assert!(text.contains(line), "{line:?} is missing in {text}");
        }
    }
}
