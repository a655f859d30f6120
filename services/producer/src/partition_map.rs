//! Symbols that go to a partition of their own choosing.

use std::collections::BTreeMap;
use std::str::FromStr;

use common::quote::Symbol;

/// Which symbols go where, whatever their hash says: `AAPL:0,GOOGL:1,MSFT:2`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionMap {
    partitions: BTreeMap<Symbol, i32>,
}

impl PartitionMap {
    /// The partition of a symbol; `None` where its hash decides.
    #[must_use]
    pub fn get(&self, symbol: Symbol) -> Option<i32> {
        self.partitions.get(&symbol).copied()
    }

    /// Every symbol that is fixed, and its partition.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, i32)> {
        self.partitions.iter().map(|(symbol, partition)| (*symbol, *partition))
    }
}

impl FromStr for PartitionMap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut partitions = BTreeMap::new();
        for entry in text.split(',') {
            let (symbol, partition) =
                entry.trim().split_once(':').ok_or_else(|| format!("'{entry}' is not SYMBOL:PARTITION"))?;
            let symbol: Symbol = symbol.trim().parse()?;
            let partition = partition.trim().parse().ok().filter(|partition| *partition >= 0);
            let partition = partition.ok_or_else(|| format!("{symbol}'s partition is not a number from 0"))?;
            if partitions.insert(symbol, partition).is_some() {
                return Err(format!("{symbol} is there twice"));
            }
        }
        Ok(Self { partitions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_symbols_have_their_partition_and_others_none() {
        let map: PartitionMap = "AAPL:0, GOOGL:1,MSFT: 2".parse().unwrap();
        let of = |symbol: &str| map.get(symbol.parse().unwrap());
        assert_eq!((of("AAPL"), of("GOOGL"), of("MSFT"), of("NVDA")), (Some(0), Some(1), Some(2), None));
    }

    #[test]
    fn what_is_wrong_with_a_map_is_told() {
        for (text, error) in [
            ("AAPL", "'AAPL' is not SYMBOL:PARTITION"),
            ("AAPL:0,", "'' is not SYMBOL:PARTITION"),
            ("AAPL:-1", "AAPL's partition is not a number from 0"),
            ("AAPL:x", "AAPL's partition is not a number from 0"),
            ("AAPL:0,AAPL:1", "AAPL is there twice"),
        ] {
            assert_eq!(text.parse::<PartitionMap>().unwrap_err(), error);
        }
    }
}
