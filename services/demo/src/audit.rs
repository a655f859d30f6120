//! What became of every update: counted from the two topics alone, not from what the services say.

mod ledger;
mod reader;

pub use ledger::{Audit, Kill, Ledger, Processed, Sent};
pub use reader::{Extent, Topics, audit, end_of};
