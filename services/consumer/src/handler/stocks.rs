//! The provided handler: simulated work, the latest price, and the update sent on.

use std::sync::Arc;
use std::time::Duration;

use super::{Forward, Handler, HandlerError, LatestPrices, Receipt};
use crate::record::Update;

/// What this service does with a price.
#[derive(Debug)]
pub struct Stocks {
    work: Duration,
    prices: Arc<LatestPrices>,
    forward: Option<Forward>,
}

impl Stocks {
    /// Takes `work` over each update, keeps its price, and forwards it where asked to.
    #[must_use]
    pub fn new(work: Duration, prices: Arc<LatestPrices>, forward: Option<Forward>) -> Self {
        Self { work, prices, forward }
    }
}

impl Handler for Stocks {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        if !self.work.is_zero() {
            tokio::time::sleep(self.work).await;
        }
        let receipt = match &self.forward {
            Some(forward) => forward.send(update)?,
            None => Receipt::Done,
        };
        self.prices.keep(update);
        Ok(receipt)
    }
}
