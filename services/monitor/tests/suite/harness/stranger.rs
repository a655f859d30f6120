//! Another client's group: it commits offsets and says nothing of itself.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use testing::eventually;

use super::Venue;

/// A plain consumer that takes no part in its group's protocol.
pub(crate) struct Stranger {
    client: std::sync::Arc<BaseConsumer>,
    pub(crate) group: String,
}

impl Stranger {
    pub(crate) fn new(venue: &Venue, what: &str) -> Self {
        let group = venue.name(what);
        let client: BaseConsumer =
            venue.client().set("group.id", &group).set("enable.auto.commit", "false").create().unwrap();
        Self { client: client.into(), group }
    }

    /// Commits the offset of a topic's partition; the broker has it when this returns.
    pub(crate) async fn commit(&self, topic: &str, partition: i32, offset: i64) {
        // A broker that has only just started may not know yet who coordinates the group.
        eventually("the commit to be taken", async || {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(topic, partition, Offset::Offset(offset)).unwrap();
            let client = std::sync::Arc::clone(&self.client);
            tokio::task::spawn_blocking(move || {
                client.poll(Duration::ZERO);
                client.commit(&list, CommitMode::Sync).ok()
            })
            .await
            .unwrap()
        })
        .await;
    }
}
