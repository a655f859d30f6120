//! Which stocks there are, and what each costs at the start.

use std::collections::BTreeSet;
use std::str::FromStr;

use common::quote::{Price, Symbol};

/// The known stocks, best known first: symbol and start price. Of the S&P 500, prices as of 2024 or so.
const KNOWN: &str = include_str!("universe.csv");

/// How many stocks are known.
pub const KNOWN_STOCKS: usize = 500;

/// How many there are without `SYMBOLS`: four for each of three partitions.
const DEFAULT_STOCKS: usize = 12;

/// What a stock costs at the start that is not known: $100.00.
const UNKNOWN_CENTS: u64 = 10_000;

/// A stock and its start price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The stock.
    pub symbol: Symbol,
    /// What it costs at the start.
    pub price: Price,
}

/// The stocks that updates are sent for, the best known (with `DISTRIBUTION=zipf`: the hottest) first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Universe {
    listings: Vec<Listing>,
}

impl Universe {
    /// The best known stocks, at most [`KNOWN_STOCKS`].
    #[must_use]
    pub fn best_known(count: usize) -> Self {
        Self { listings: known().take(count).collect() }
    }

    /// The stocks, at least one.
    #[must_use]
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }

    /// Whether `symbol` is among them.
    #[must_use]
    pub fn contains(&self, symbol: Symbol) -> bool {
        self.listings.iter().any(|listing| listing.symbol == symbol)
    }
}

impl Default for Universe {
    fn default() -> Self {
        Self::best_known(DEFAULT_STOCKS)
    }
}

impl FromStr for Universe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let count = text.parse().unwrap_or(usize::MAX);
            return if (1..=KNOWN_STOCKS).contains(&count) {
                Ok(Self::best_known(count))
            } else {
                Err(format!("{text} is not within 1 to {KNOWN_STOCKS}"))
            };
        }
        let mut seen = BTreeSet::new();
        let mut listings = Vec::new();
        for name in text.split(',') {
            let symbol: Symbol = name.trim().parse()?;
            if !seen.insert(symbol) {
                return Err(format!("{symbol} is there twice"));
            }
            listings.push(listing(symbol));
        }
        Ok(Self { listings })
    }
}

fn listing(symbol: Symbol) -> Listing {
    let unknown = Listing { symbol, price: Price::from_cents(UNKNOWN_CENTS).unwrap_or(Price::MAX) };
    known().find(|listing| listing.symbol == symbol).unwrap_or(unknown)
}

fn known() -> impl Iterator<Item = Listing> {
    KNOWN.lines().filter_map(|line| {
        let (symbol, amount) = line.split_once(',')?;
        let (dollars, cents) = amount.split_once('.')?;
        let cents = dollars.parse::<u64>().ok()? * 100 + cents.parse::<u64>().ok()?;
        Some(Listing { symbol: symbol.parse().ok()?, price: Price::from_cents(cents)? })
    })
}

#[cfg(test)]
mod tests {
    use common::murmur2::partition_of;

    use super::*;

    fn symbols(text: &str) -> Result<Vec<String>, String> {
        let universe: Universe = text.parse()?;
        Ok(universe.listings().iter().map(|listing| listing.symbol.to_string()).collect())
    }

    #[test]
    fn five_hundred_stocks_are_known_and_none_twice() {
        assert_eq!(KNOWN.lines().count(), KNOWN_STOCKS);
        let all = symbols("500").unwrap();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), KNOWN_STOCKS);
    }

    #[test]
    fn the_default_dozen_gives_each_of_three_partitions_four() {
        let mut stocks = [0; 3];
        for listing in Universe::default().listings() {
            stocks[partition_of(listing.symbol.as_bytes(), 3) as usize] += 1;
        }
        assert_eq!(stocks, [4, 4, 4]);
    }

    #[test]
    fn symbols_are_a_number_or_a_list() {
        assert_eq!(symbols("3").unwrap(), ["AAPL", "GOOGL", "MSFT"]);
        assert_eq!(symbols("MSFT, BRK.B,NEWCO").unwrap(), ["MSFT", "BRK.B", "NEWCO"]);
        let known: Universe = "AAPL,NEWCO".parse().unwrap();
        assert_eq!(known.listings().iter().map(|listing| listing.price.cents()).collect::<Vec<_>>(), [18_945, 10_000]);
    }

    #[test]
    fn what_is_wrong_with_symbols_is_told() {
        assert_eq!(symbols("0").unwrap_err(), "0 is not within 1 to 500");
        assert_eq!(symbols("501").unwrap_err(), "501 is not within 1 to 500");
        assert_eq!(symbols("99999999999999999999").unwrap_err(), "99999999999999999999 is not within 1 to 500");
        assert_eq!(symbols("AAPL,MSFT,AAPL").unwrap_err(), "AAPL is there twice");
        assert!(symbols("AAPL,,MSFT").unwrap_err().starts_with("'' is not a symbol"));
        assert!(symbols("aapl").unwrap_err().starts_with("'aapl' is not a symbol"));
    }
}
