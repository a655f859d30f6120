//! Each processed update goes on to another topic.

use std::sync::Arc;

use common::quote::SEQUENCE_HEADER;
use rdkafka::message::{Header, OwnedHeaders};

use super::{HandlerError, Receipt};
use crate::outbound::Outbound;
use crate::record::Update;

/// Sends updates on, byte for byte, with headers that say whence and by whom.
#[derive(Debug)]
pub struct Forward {
    outbound: Arc<Outbound>,
    topic: String,
    member: String,
}

impl Forward {
    /// Forwards to `topic` in the name of `member`.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, topic: String, member: String) -> Self {
        Self { outbound, topic, member }
    }

    /// Hands an update to the client, which keeps the order; the receipt is the broker's acknowledgement.
    ///
    /// # Errors
    /// Transient where the client cannot take it.
    pub fn send(&self, update: &Update) -> Result<Receipt, HandlerError> {
        let text = |value: &dyn ToString| value.to_string();
        let mut headers = OwnedHeaders::new_with_capacity(4);
        if let Some(sequence) = update.sequence {
            headers = headers.insert(Header { key: SEQUENCE_HEADER, value: Some(&text(&sequence)) });
        }
        let headers = headers
            .insert(Header { key: "source-partition", value: Some(&text(&update.partition)) })
            .insert(Header { key: "source-offset", value: Some(&text(&update.offset)) })
            .insert(Header { key: "member", value: Some(&self.member) });
        let value = update.quote.to_string();
        let symbol = update.quote.symbol;
        let delivery = self
            .outbound
            .send(&self.topic, Some(symbol.as_bytes()), Some(value.as_bytes()), headers)
            .map_err(|error| HandlerError::Transient(error.to_string()))?;
        Ok(Receipt::Pending(Box::pin(async move {
            delivery.await.map_err(|error| HandlerError::Transient(error.to_string()))
        })))
    }
}
