//! The prices: one random walk per stock, the same for the same seed.

use std::str::FromStr;

use common::quote::{Price, Quote, Symbol};

use crate::random::Random;
use crate::universe::Universe;

/// How far a price may stray from where it started, down and up: an endless walk stays plausible.
const STRAY: u64 = 4;

/// A price moves by at most one part in this many (0.1 %) at once, and by at least up to a cent.
const STEP: u64 = 1_000;

/// The weight of the hottest symbol under [`Distribution::Zipf`]; rank `k` has one `k`-th of it.
const HOTTEST: u64 = 1_000_000_000;

/// How updates are spread over the stocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distribution {
    /// Each as often as any other.
    #[default]
    Uniform,
    /// The second half as often as the first, the third a third as often, and so on: one is hot.
    Zipf,
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "uniform" => Ok(Self::Uniform),
            "zipf" => Ok(Self::Zipf),
            _ => Err("it is neither".to_owned()),
        }
    }
}

/// A price update, to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update {
    /// The stock's place in the universe.
    pub stock: usize,
    /// The stock and its new price.
    pub quote: Quote,
    /// The number of the update among those of its stock, from 1.
    pub sequence: u64,
}

/// All stocks and their prices of the moment. As an iterator it never ends.
#[derive(Clone, Debug)]
pub struct Market {
    stocks: Vec<Stock>,
    /// Per stock, the sum of its weight and of those before it; empty while all weigh the same.
    weights: Vec<u64>,
    random: Random,
}

#[derive(Clone, Debug)]
struct Stock {
    symbol: Symbol,
    price: Price,
    /// In cents.
    lowest: u64,
    /// In cents.
    highest: u64,
    sequence: u64,
}

impl Market {
    /// A market before its first update.
    #[must_use]
    pub fn new(universe: &Universe, distribution: Distribution, seed: u64) -> Self {
        let stocks = universe.listings().iter().map(|listing| Stock {
            symbol: listing.symbol,
            price: listing.price,
            lowest: (listing.price.cents() / STRAY).max(Price::MIN.cents()),
            highest: (listing.price.cents() * STRAY).min(Price::MAX.cents()),
            sequence: 0,
        });
        let weights = match distribution {
            Distribution::Uniform => Vec::new(),
            Distribution::Zipf => (1..)
                .scan(0, |sum, rank| {
                    *sum += HOTTEST / rank;
                    Some(*sum)
                })
                .take(universe.listings().len())
                .collect(),
        };
        Self { stocks: stocks.collect(), weights, random: Random::with_seed(seed) }
    }

    fn pick(&mut self) -> usize {
        let place = match self.weights.last() {
            None => self.random.below(self.stocks.len() as u64),
            Some(&all) => {
                let at = self.random.below(all);
                return self.weights.partition_point(|&sum| sum <= at);
            }
        };
        usize::try_from(place).unwrap_or(0)
    }
}

impl Iterator for Market {
    type Item = Update;

    fn next(&mut self) -> Option<Update> {
        let index = self.pick();
        let stock = self.stocks.get_mut(index)?;
        let reach = (stock.price.cents() / STEP).max(1);
        // From `reach` below to `reach` above.
        let moved = stock.price.cents() + self.random.below(2 * reach + 1);
        let cents = moved.saturating_sub(reach).clamp(stock.lowest, stock.highest);
        stock.price = Price::from_cents(cents).unwrap_or(stock.price);
        stock.sequence += 1;
        let quote = Quote { symbol: stock.symbol, price: stock.price };
        Some(Update { stock: index, quote, sequence: stock.sequence })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(universe: &str, distribution: Distribution, seed: u64, count: usize) -> Vec<String> {
        let market = Market::new(&universe.parse().unwrap(), distribution, seed);
        market.take(count).map(|update| format!("{} #{}", update.quote, update.sequence)).collect()
    }

    #[test]
    fn a_seed_always_gives_the_same_updates() {
        let first = ["TSLA: $248.32 #1", "V: $271.47 #1", "META: $506.17 #1", "JPM: $205.81 #1"];
        assert_eq!(text("12", Distribution::Uniform, 1, 4), first);
        assert_ne!(text("12", Distribution::Uniform, 2, 4), first);
    }

    #[test]
    fn uniform_spreads_evenly() {
        let mut counts = [0; 10];
        for update in Market::new(&Universe::best_known(10), Distribution::Uniform, 7).take(100_000) {
            counts[update.stock] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn zipf_gives_rank_k_one_kth_of_the_hottest() {
        let mut counts = [0_u32; 100];
        for update in Market::new(&Universe::best_known(100), Distribution::Zipf, 7).take(1_000_000) {
            counts[update.stock] += 1;
        }
        // The 100th harmonic number is 5.187: the hottest of 100 has 19.3 % of all.
        assert!((190_000..196_000).contains(&counts[0]), "{counts:?}");
        for rank in [2, 3, 10, 100] {
            let expected = f64::from(counts[0]) / f64::from(rank);
            let ratio = f64::from(counts[rank as usize - 1]) / expected;
            assert!((0.9..1.1).contains(&ratio), "rank {rank}: {ratio}");
        }
    }

    proptest! {
        #[test]
        fn each_stock_s_updates_are_numbered_from_one_without_a_gap(seed: u64, stocks in 1_usize..=500) {
            let mut last = vec![0; stocks];
            for update in Market::new(&Universe::best_known(stocks), Distribution::Zipf, seed).take(2_000) {
                prop_assert_eq!(update.sequence, last[update.stock] + 1);
                last[update.stock] = update.sequence;
            }
        }

        #[test]
        fn prices_move_by_little_and_never_leave_their_range(seed: u64, symbol in "[A-Z]{1,5}") {
            let universe: Universe = symbol.parse().unwrap();
            let start = universe.listings()[0].price.cents();
            let mut last = start;
            for update in Market::new(&universe, Distribution::Uniform, seed).take(20_000) {
                let cents = update.quote.price.cents();
                prop_assert!((start / STRAY..=start * STRAY).contains(&cents));
                prop_assert!(cents.abs_diff(last) <= (last / STEP).max(1));
                last = cents;
            }
        }
    }
}
