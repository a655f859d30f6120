//! What began a rebalance, as far as it shows from outside.

use super::Rebalance;

/// The members that came or went when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Members joined.
    Joined,
    /// Members left, or were counted out.
    Left,
    /// Some joined and others left between two rounds; the same process too, where it began anew.
    Replaced,
    /// Nobody did: partitions moved, were added, or had no owner before.
    Reassigned,
}

impl Cause {
    /// Every cause, for metrics that have a series for each.
    pub const ALL: [Self; 4] = [Self::Joined, Self::Left, Self::Replaced, Self::Reassigned];

    /// That of a rebalance.
    pub(super) fn of(rebalance: &Rebalance) -> Self {
        match (rebalance.joined.is_empty(), rebalance.left.is_empty()) {
            (false, true) => Self::Joined,
            (true, false) => Self::Left,
            (false, false) => Self::Replaced,
            (true, true) => Self::Reassigned,
        }
    }

    /// Its code, as in labels.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Replaced => "replaced",
            Self::Reassigned => "reassigned",
        }
    }
}
