//! Where poison goes: another topic, with headers that say why and whence.

use std::sync::Arc;

use rdkafka::error::KafkaResult;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::types::RDKafkaErrorCode;

use crate::outbound::Outbound;
use crate::record::Poison;

/// How much of a key and of a value is kept where the topic refuses the whole: the record itself still has it.
const KEPT_BYTES: usize = 64 * 1024;

/// Writes dead letters.
#[derive(Debug)]
pub struct DeadLetters {
    outbound: Arc<Outbound>,
    /// The topic they go to.
    topic: String,
    /// The topic, group and member they come from.
    source: String,
    group: String,
    member: String,
}

impl DeadLetters {
    /// Dead letters of `member` of `group`, from topic `source` to `topic`.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>, topic: String, source: String, group: String, member: String) -> Self {
        Self { outbound, topic, source, group, member }
    }

    /// The topic they go to.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Writes one; it is safe with the broker when this returns.
    ///
    /// # Errors
    /// Where it is not. Try again: nothing else keeps the record.
    pub async fn write(&self, poison: &Poison) -> KafkaResult<()> {
        match self.send(poison, self.headers(poison)).await {
            Err(error) if is_too_large(&error) => {
                let size = poison.value.as_ref().map_or(0, Vec::len);
                let cut = |bytes: &Option<Vec<u8>>| {
                    bytes.as_ref().map(|bytes| bytes.get(..KEPT_BYTES).unwrap_or(bytes).to_vec())
                };
                let (key, value) = (cut(&poison.key), cut(&poison.value));
                let kept =
                    Poison { key, value, headers: OwnedHeaders::new(), reason: poison.reason.clone(), ..*poison };
                let headers = insert(self.headers(&kept), "dead-letter-cut-from-bytes", &size.to_string());
                self.send(&kept, headers).await
            }
            result => result,
        }
    }

    async fn send(&self, poison: &Poison, headers: OwnedHeaders) -> KafkaResult<()> {
        self.outbound.send(&self.topic, poison.key.as_deref(), poison.value.as_deref(), headers)?.await
    }

    fn headers(&self, poison: &Poison) -> OwnedHeaders {
        let own = [
            ("dead-letter-reason", poison.reason.code()),
            ("dead-letter-detail", &poison.reason.to_string()),
            ("dead-letter-topic", &self.source),
            ("dead-letter-partition", &poison.partition.to_string()),
            ("dead-letter-offset", &poison.offset.to_string()),
            ("dead-letter-timestamp", &poison.timestamp_ms.to_string()),
            ("dead-letter-group", &self.group),
            ("dead-letter-member", &self.member),
        ];
        own.into_iter().fold(poison.headers.clone(), |headers, (name, value)| insert(headers, name, value))
    }
}

fn insert(headers: OwnedHeaders, name: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header { key: name, value: Some(value) })
}

fn is_too_large(error: &rdkafka::error::KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
}
