//! What became of every update: sent, acknowledged (and by which partition), or refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use common::quote::Symbol;
use serde::Serialize;

use crate::metrics::Metrics;

/// The book of one process. The sending thread and the client's thread write it, HTTP reads it.
#[derive(Debug)]
pub(crate) struct Ledger {
    symbols: Vec<Symbol>,
    metrics: Metrics,
    /// Acknowledged updates per stock and partition. Only the client's thread writes, so the lock costs it
    /// next to nothing, and partitions may be added while it runs.
    routes: Mutex<Vec<Vec<u64>>>,
}

/// How many updates became what, since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    pub(crate) failed: u64,
}

impl Totals {
    /// Whether every update that was sent has had its answer.
    pub(crate) fn settled(self) -> bool {
        self.acknowledged + self.failed >= self.sent
    }

    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            sent: self.sent - earlier.sent,
            acknowledged: self.acknowledged - earlier.acknowledged,
            failed: self.failed - earlier.failed,
        }
    }
}

/// How many updates of a symbol a partition has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Route {
    pub(crate) symbol: Symbol,
    pub(crate) partition: usize,
    pub(crate) updates: u64,
}

impl Ledger {
    /// An empty book for these stocks.
    pub(crate) fn new(symbols: Vec<Symbol>, metrics: Metrics) -> Self {
        let routes = Mutex::new(vec![Vec::new(); symbols.len()]);
        Self { symbols, metrics, routes }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The symbol of a stock, by its place in the universe.
    pub(crate) fn symbol(&self, stock: usize) -> Option<Symbol> {
        self.symbols.get(stock).copied()
    }

    /// Notes that an update has been handed to the client.
    pub(crate) fn sent(&self) {
        self.metrics.update_sent();
    }

    /// Notes that a partition has an update of this stock for certain.
    pub(crate) fn acknowledged(&self, stock: usize, partition: i32) {
        self.metrics.update_acknowledged();
        let partition = usize::try_from(partition).unwrap_or(0);
        if let Some(partitions) = self.lock().get_mut(stock) {
            if partitions.len() <= partition {
                partitions.resize(partition + 1, 0);
            }
            if let Some(updates) = partitions.get_mut(partition) {
                *updates += 1;
            }
        }
    }

    /// Notes that an update will never arrive.
    pub(crate) fn failed(&self) {
        self.metrics.update_failed();
    }

    /// How many updates became what.
    pub(crate) fn totals(&self) -> Totals {
        let (acknowledged, failed) = (self.metrics.acknowledged(), self.metrics.failed());
        // The answer can be quicker than the note that it was sent.
        Totals { sent: self.metrics.sent().max(acknowledged + failed), acknowledged, failed }
    }

    /// Where each symbol went, by symbol and partition.
    pub(crate) fn routes(&self) -> Vec<Route> {
        let partitions = self.lock().clone();
        let mut routes: Vec<Route> = self
            .symbols
            .iter()
            .zip(partitions)
            .flat_map(|(&symbol, updates)| {
                let by_partition = updates.into_iter().enumerate().filter(|(_, updates)| *updates > 0);
                by_partition.map(move |(partition, updates)| Route { symbol, partition, updates })
            })
            .collect();
        routes.sort_unstable_by_key(|route| (route.symbol, route.partition));
        routes
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<u64>>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use prometheus::Registry;

    use super::*;
    use crate::universe::Universe;

    /// A ledger of the best known stocks.
    pub(crate) fn ledger(stocks: usize) -> Ledger {
        let universe = Universe::best_known(stocks);
        let symbols = universe.listings().iter().map(|listing| listing.symbol).collect();
        Ledger::new(symbols, Metrics::register(&Registry::new()).unwrap())
    }

    #[test]
    fn routes_are_sorted_by_symbol_and_partition_and_follow_added_partitions() {
        let ledger = ledger(3);
        for (stock, partition) in [(2, 7), (0, 1), (2, 0), (0, 1), (9, 9)] {
            ledger.acknowledged(stock, partition);
        }
        let routes = ledger.routes();
        let routes: Vec<_> = routes.iter().map(|r| (r.symbol.as_str(), r.partition, r.updates)).collect();
        assert_eq!(routes, [("AAPL", 1, 2), ("MSFT", 0, 1), ("MSFT", 7, 1)]);
    }

    #[test]
    fn updates_are_settled_when_each_has_its_answer() {
        let ledger = ledger(1);
        assert!(ledger.totals().settled());
        ledger.sent();
        ledger.sent();
        ledger.acknowledged(0, 0);
        assert!(!ledger.totals().settled());
        ledger.failed();
        assert_eq!(ledger.totals(), Totals { sent: 2, acknowledged: 1, failed: 1 });
        assert!(ledger.totals().settled());
    }
}
