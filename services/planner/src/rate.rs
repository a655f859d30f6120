//! Records per second, checked once.

use serde::Serialize;

/// Records per second: finite and not negative. What is not a number never becomes one: it is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

impl Rate {
    /// Nothing per second.
    pub const ZERO: Self = Self(0.0);
    /// More is taken as this; so no sum of rates is ever infinite.
    const LARGEST: f64 = 1e15;

    /// `None` for what is negative, infinite or not a number.
    #[must_use]
    pub fn new(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second >= 0.0).then(|| Self(per_second.abs().min(Self::LARGEST)))
    }

    /// Records per second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rate_is_unknown() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
            assert_eq!(Rate::new(wrong), None);
        }
        assert_eq!(Rate::new(-0.0), Some(Rate::ZERO));
        assert!(Rate::new(f64::MAX).is_some_and(|rate| rate.per_second() * 1e6 < f64::INFINITY));
    }
}
