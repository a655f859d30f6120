//! How many consumers a group needs, and why.
//!
//! [`plan`] is a pure function: a [`Snapshot`] of the group and the last [`Plan`] go in, the next [`Plan`] comes out,
//! with a [`Reason`] and one sentence. Time comes in with the snapshot; nothing here reads a clock or does I/O.
//! [`Capacity`] learns in the same way what one consumer can do.

mod capacity;
mod counts;
mod growth;
mod headroom;
mod load;
mod need;
mod overload;
mod plan;
mod rate;
mod reason;
mod sentence;
mod settings;
mod snapshot;

pub use capacity::{Capacity, Stint};
pub use plan::{Plan, plan};
pub use rate::Rate;
pub use reason::{HotPartition, Reason};
pub use settings::{Settings, SettingsError};
pub use snapshot::{Partition, Snapshot};
