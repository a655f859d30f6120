//! The latest price of each symbol.

use std::sync::{Mutex, PoisonError};

use common::quote::{Price, Symbol};
use foldhash::HashMap;
use serde::Serialize;

use crate::record::{Update, lane_of};

/// Locks that share the symbols among them, so that lanes seldom wait for each other.
const SHARDS: u32 = 16;

/// At most this many symbols are kept, in all: several times what all the world's exchanges list.
const MAX_SYMBOLS: usize = 500_000;

/// What this member saw last of a symbol.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatestPrice {
    /// Whose price.
    pub symbol: Symbol,
    /// The price.
    pub price: Price,
    /// The update's number within its symbol.
    pub sequence: Option<u64>,
    /// Where the update stands.
    pub partition: i32,
    /// And at which offset.
    pub offset: i64,
    /// When it was sent, in milliseconds since 1970.
    #[serde(rename = "timestamp")]
    pub timestamp_ms: i64,
}

/// The latest price of each symbol this member has handled.
#[derive(Debug)]
pub struct LatestPrices {
    shards: Vec<Mutex<HashMap<Symbol, LatestPrice>>>,
}

impl Default for LatestPrices {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

impl LatestPrices {
    /// Keeps an update's price.
    pub fn keep(&self, update: &Update) {
        let symbol = update.quote.symbol;
        let latest = LatestPrice {
            symbol,
            price: update.quote.price,
            sequence: update.sequence,
            partition: update.partition,
            offset: update.offset,
            timestamp_ms: update.timestamp_ms,
        };
        let Some(shard) = self.shards.get(lane_of(symbol.as_bytes(), SHARDS) as usize) else {
            return;
        };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shard.get_mut(&symbol) {
            *known = latest;
        } else if shard.len() < MAX_SYMBOLS / SHARDS as usize {
            shard.insert(symbol, latest);
        }
    }

    /// All of them, by symbol.
    #[must_use]
    pub fn all(&self) -> Vec<LatestPrice> {
        let mut all: Vec<_> = self
            .shards
            .iter()
            .flat_map(|shard| {
                shard.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect::<Vec<_>>()
            })
            .collect();
        all.sort_by_key(|latest| latest.symbol);
        all
    }
}
