//! How long updates took from being sent to being processed.

use serde::Serialize;

/// Of all updates that came out, by the times of their records in the source and the output topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Delays {
    /// Half of them took no longer, in milliseconds.
    pub p50_ms: u64,
    /// Of a hundred, ninety-nine took no longer.
    pub p99_ms: u64,
    /// None took longer.
    pub worst_ms: u64,
}

impl Delays {
    /// The delays of so many milliseconds each; `None` of none.
    pub(crate) fn of(mut delays: Vec<u64>) -> Option<Self> {
        delays.sort_unstable();
        let worst_ms = *delays.last()?;
        // The nearest rank: the smallest delay that so many percent do not exceed.
        let percentile = |percent: usize| delays.get((delays.len() * percent).div_ceil(100) - 1).copied();
        Some(Self { p50_ms: percentile(50)?, p99_ms: percentile(99)?, worst_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_what_so_many_do_not_exceed() {
        let delays = Delays::of((1..=1000).rev().collect());
        assert_eq!(delays, Some(Delays { p50_ms: 500, p99_ms: 990, worst_ms: 1000 }));
        assert_eq!(Delays::of(vec![7]), Some(Delays { p50_ms: 7, p99_ms: 7, worst_ms: 7 }));
        assert_eq!(Delays::of(vec![]), None);
    }
}
