//! What is done with an update: the one thing to replace to do something else.

mod forward;
mod prices;
mod stocks;
mod work;

use std::pin::Pin;
use std::sync::Arc;

pub use forward::Forward;
pub use prices::{LatestPrice, LatestPrices};
pub use stocks::Stocks;
pub use work::Work;

use crate::record::Update;

/// The work on one update.
///
/// Updates of one symbol come one after the other, in the order of their offsets; those of different
/// symbols come at the same time. An update comes again if the consumer fails before its offset is committed.
pub trait Handler: Send + Sync + 'static {
    /// Does the work.
    ///
    /// What is done here is done in order. What only has to be confirmed, such as a delivery, goes into the
    /// [`Receipt`]: the next update does not wait for it, but the offset does.
    ///
    /// # Errors
    /// Whether trying again can help.
    fn handle(&self, update: &Update) -> impl Future<Output = Result<Receipt, HandlerError>> + Send;
}

/// A handler that others hold on to as well.
impl<H: Handler> Handler for Arc<H> {
    fn handle(&self, update: &Update) -> impl Future<Output = Result<Receipt, HandlerError>> + Send {
        H::handle(self, update)
    }
}

/// The end of an update's work.
pub enum Receipt {
    /// Nothing is left to wait for.
    Done,
    /// Done once this is.
    Pending(Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>),
}

/// Why an update's work failed. The variant decides what happens next.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HandlerError {
    /// It may work later: it is tried again, and its partition holds.
    #[error("{0}")]
    Transient(String),
    /// It can never work: the update goes to the dead letters, and its partition moves on.
    #[error("{0}")]
    Poison(String),
}
