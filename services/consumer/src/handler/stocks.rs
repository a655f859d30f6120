//! The provided handler: simulated work, the latest price, and the update sent on.

use std::sync::Arc;

use super::{Forward, Handler, HandlerError, LatestPrices, Receipt, Work};
use crate::record::Update;

/// What this service does with a price.
#[derive(Debug)]
pub struct Stocks {
    work: Work,
    prices: Arc<LatestPrices>,
    forward: Option<Forward>,
}

impl Stocks {
    /// Does simulated `work` on each update, keeps its price, and forwards it where asked to.
    #[must_use]
    pub fn new(work: impl Into<Work>, prices: Arc<LatestPrices>, forward: Option<Forward>) -> Self {
        Self { work: work.into(), prices, forward }
    }
}

impl Handler for Stocks {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        self.work.done().await;
        let receipt = match &self.forward {
            Some(forward) => forward.send(update)?,
            None => Receipt::Done,
        };
        self.prices.keep(update);
        Ok(receipt)
    }
}
