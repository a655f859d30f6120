//! Why a plan is as it is.

use serde::Serialize;

/// Why a plan has its number of consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The arrivals need them.
    Load,
    /// The arrivals would need fewer, the backlog does not.
    Backlog,
    /// One partition alone is more than a consumer can do: no count is enough.
    HotPartition,
    /// Capacity is unknown: one for each `LAG_PER_CONSUMER` records of backlog.
    Lag,
    /// As few as allowed are enough.
    Minimum,
    /// More are needed than are allowed.
    Maximum,
    /// More would do better, but these keep up, or will have caught up before growing would have paid back.
    Wait,
    /// Fewer would do, but have not for long enough.
    Headroom,
    /// Fewer have been enough for long: one step down.
    Shrink,
    /// The reading failed or has gaps: the last answer stands.
    Held,
    /// No answer: nothing is known, or not for longer than the last answer may stand.
    Unknown,
}

impl Reason {
    /// Every reason, for metrics that have a series for each.
    pub const ALL: [Self; 11] = [
        Self::Load,
        Self::Backlog,
        Self::HotPartition,
        Self::Lag,
        Self::Minimum,
        Self::Maximum,
        Self::Wait,
        Self::Headroom,
        Self::Shrink,
        Self::Held,
        Self::Unknown,
    ];

    /// The reason's code, as in JSON and in labels.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Backlog => "backlog",
            Self::HotPartition => "hot_partition",
            Self::Lag => "lag",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::Wait => "wait",
            Self::Headroom => "headroom",
            Self::Shrink => "shrink",
            Self::Held => "held",
            Self::Unknown => "unknown",
        }
    }
}

/// A partition with more arrivals than one consumer can do. Nothing but fewer records in it, or a faster consumer,
/// can help: a partition is never shared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HotPartition {
    /// What it is called: its number, or what the snapshot says.
    pub partition: String,
    /// Its arrivals, in records per second.
    pub rate: f64,
    /// Its part of all partitions' arrivals, 0 to 1.
    pub share: f64,
}
