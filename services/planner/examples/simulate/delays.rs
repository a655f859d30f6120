//! How long records waited.

/// Seconds in one bin.
const BIN: f64 = 0.1;

/// Records by how long they took from sending to done.
#[derive(Clone, Default)]
pub(crate) struct Delays {
    bins: Vec<f64>,
}

impl Delays {
    /// Notes `records` done after `seconds`.
    pub(crate) fn add(&mut self, seconds: f64, records: f64) {
        let bin = (seconds / BIN).round() as usize;
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, 0.0);
        }
        self.bins[bin] += records;
    }

    /// The longest delay, in seconds.
    pub(crate) fn worst(&self) -> f64 {
        self.bins.len().saturating_sub(1) as f64 * BIN
    }

    /// The part of all records that took longer than `seconds`, 0 to 1.
    pub(crate) fn later_than(&self, seconds: f64) -> f64 {
        let bin = (seconds / BIN).round() as usize;
        self.bins.iter().skip(bin + 1).sum::<f64>() / self.bins.iter().sum::<f64>().max(1.0)
    }

    /// The delay that 99 of 100 records kept below.
    pub(crate) fn p99(&self) -> f64 {
        let mut left = self.bins.iter().sum::<f64>() * 0.99;
        let within = self.bins.iter().take_while(|records| {
            left -= **records;
            left > 0.0
        });
        within.count() as f64 * BIN
    }
}
