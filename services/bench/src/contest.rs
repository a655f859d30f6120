//! How fast each program was, round by round.

use crate::record::Format;
use crate::tools::{Program, Run};

/// All runs of the programs that do the same: send, or read.
#[derive(Debug, Default)]
pub(crate) struct Contest {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    program: Program,
    format: Format,
    runs: Vec<Run>,
}

impl Contest {
    /// Notes a run.
    pub(crate) fn note(&mut self, program: Program, format: Format, run: Run) {
        match self.entries.iter_mut().find(|entry| entry.program == program && entry.format == format) {
            Some(entry) => entry.runs.push(run),
            None => self.entries.push(Entry { program, format, runs: vec![run] }),
        }
    }

    /// A program's records per second: the median of its rounds; `None` if it did not run.
    pub(crate) fn rate(&self, program: Program, format: Format) -> Option<f64> {
        median(self.runs(program, format).iter().map(|run| run.rate))
    }

    /// How many times as fast as `other` ours is: the median over the rounds, in which both ran one after the other;
    /// `None` if the other did not run.
    pub(crate) fn ratio(&self, other: Program, format: Format) -> Option<f64> {
        let rounds = self.runs(Program::Ours, format).iter().zip(self.runs(other, format));
        median(rounds.map(|(ours, others)| ours.rate / others.rate))
    }

    /// The most that was ever in memory of ours, in bytes.
    pub(crate) fn peak(&self, format: Format) -> Option<u64> {
        self.runs(Program::Ours, format).iter().filter_map(|run| run.peak).max()
    }

    fn runs(&self, program: Program, format: Format) -> &[Run] {
        let entry = self.entries.iter().find(|entry| entry.program == program && entry.format == format);
        entry.map_or(&[], |entry| &entry.runs)
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let upper = figures.len() / 2;
    let lower = figures.len().checked_sub(1)? / 2;
    Some(f64::midpoint(*figures.get(lower)?, *figures.get(upper)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contest(rounds: &[(f64, f64)]) -> Contest {
        let mut contest = Contest::default();
        for &(ours, java) in rounds {
            contest.note(Program::Java, Format::Quote, Run { rate: java, peak: None });
            contest.note(Program::Ours, Format::Quote, Run { rate: ours, peak: Some(7) });
        }
        contest
    }

    #[test]
    fn a_slow_moment_of_the_machine_does_not_change_a_ratio() {
        let contest = contest(&[(100.0, 50.0), (10.0, 5.0), (90.0, 45.0)]);
        assert_eq!(contest.rate(Program::Ours, Format::Quote), Some(90.0));
        assert_eq!(contest.ratio(Program::Java, Format::Quote), Some(2.0));
    }

    #[test]
    fn what_did_not_run_has_no_figures() {
        let contest = contest(&[(1.0, 1.0)]);
        assert_eq!(contest.ratio(Program::C, Format::Quote), None);
        assert_eq!(contest.rate(Program::Ours, Format::Hundred), None);
        assert_eq!((contest.peak(Format::Quote), contest.peak(Format::Hundred)), (Some(7), None));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }
}
