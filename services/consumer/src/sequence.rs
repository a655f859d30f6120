//! Watches that each symbol's updates come in the order they were sent.

use common::quote::Symbol;
use foldhash::HashMap;

/// At most so many symbols are watched by one lane.
const MAX_SYMBOLS: usize = 100_000;

/// The last sequence number of each symbol that a lane has seen.
#[derive(Debug, Default)]
pub struct Sequences {
    seen: HashMap<Symbol, Seen>,
}

#[derive(Debug)]
struct Seen {
    last: u64,
    /// Whether a number was skipped: then one that falls back may be the skipped one, come too late.
    skipped: bool,
}

/// How an update's number follows those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// As it should; a number 1 begins anew.
    InOrder,
    /// It was seen before.
    Again,
    /// It comes after a later one.
    TooLate,
}

impl Sequences {
    /// Notes an update's number.
    pub fn note(&mut self, symbol: Symbol, sequence: u64) -> Follows {
        let Some(seen) = self.seen.get_mut(&symbol) else {
            if self.seen.len() < MAX_SYMBOLS {
                self.seen.insert(symbol, Seen { last: sequence, skipped: false });
            }
            return Follows::InOrder;
        };
        if sequence > seen.last || sequence == 1 {
            seen.skipped = sequence > 1 && (seen.skipped || sequence > seen.last + 1);
            seen.last = sequence;
            Follows::InOrder
        } else if seen.skipped && sequence < seen.last {
            Follows::TooLate
        } else {
            Follows::Again
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_falls_behind_is_told_from_one_that_comes_again() {
        let symbol = Symbol::parse(b"AAPL").unwrap();
        let follow = |numbers: &[u64]| {
            let mut sequences = Sequences::default();
            numbers.iter().map(|&number| sequences.note(symbol, number)).last().unwrap()
        };
        assert_eq!(follow(&[1, 2, 3]), Follows::InOrder);
        assert_eq!(follow(&[7, 8, 10]), Follows::InOrder);
        assert_eq!(follow(&[1, 2, 2]), Follows::Again);
        assert_eq!(follow(&[1, 2, 3, 2]), Follows::Again);
        assert_eq!(follow(&[1, 3, 2]), Follows::TooLate);
        assert_eq!(follow(&[5, 6, 1]), Follows::InOrder, "the sender began anew");
    }
}
