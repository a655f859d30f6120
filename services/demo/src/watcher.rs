//! Reads how far the group has come, from its offsets alone: it joins nothing.

use std::time::Duration;

use common::commit_metadata::CommitMetadata;
use common::kafka::KafkaConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::venue::Venue;

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long one question to a broker may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How far the group has come, as its offsets tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Each partition, in order; none before the first look.
    pub(crate) partitions: Vec<PartitionView>,
    /// Records in the source topic.
    pub(crate) sent: u64,
    /// Records in the output topic: what was processed, and again where that was twice.
    pub(crate) processed: u64,
}

/// One partition of the source topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PartitionView {
    /// Its number.
    pub(crate) partition: i32,
    /// Its next offset; `None` if the broker did not tell.
    pub(crate) end: Option<i64>,
    /// The next offset to process, as committed; `None` before the first commit, and if the broker did not tell.
    pub(crate) committed: Option<i64>,
    /// Who committed it.
    pub(crate) owner: Option<String>,
}

impl PartitionView {
    /// How many records are not committed; `None` if that is unknown, which is not zero.
    #[must_use]
    pub(crate) fn lag(&self) -> Option<u64> {
        Some(u64::try_from(self.end? - self.committed?).unwrap_or(0))
    }

    /// How many records are not committed, where what never was committed counts from the beginning.
    fn missing(&self) -> u64 {
        self.end.map_or(0, |end| u64::try_from(end - self.committed.unwrap_or(0)).unwrap_or(0))
    }
}

impl View {
    /// How many updates are not committed yet.
    #[must_use]
    pub(crate) fn missing(&self) -> u64 {
        self.partitions.iter().map(PartitionView::missing).sum()
    }
}

/// A client that looks on.
#[derive(Clone)]
pub(crate) struct Watcher {
    // In an Arc: asking blocks, which is done on threads of their own.
    client: std::sync::Arc<BaseConsumer>,
    source: String,
    output: String,
    partitions: i32,
}

impl Watcher {
    /// Looks on at a venue's group.
    ///
    /// # Errors
    /// Where the client cannot be made.
    pub(crate) fn new(venue: &Venue) -> Result<Self, Error> {
        let client = client(venue.kafka(), &venue.group).map_err(Error::kafka("making a watcher"))?;
        Ok(Self {
            client: std::sync::Arc::new(client),
            source: venue.source.clone(),
            output: venue.output.clone(),
            partitions: venue.partitions,
        })
    }

    /// Looks once. Blocks.
    ///
    /// # Errors
    /// Where the broker does not answer.
    pub(crate) fn look(&self) -> Result<View, Error> {
        let ends = self.ends(&self.source)?;
        let committed = self
            .client
            .committed_offsets(self.list(&self.source, Offset::Invalid)?, REQUEST_TIMEOUT)
            .map_err(Error::kafka("reading committed offsets"))?;
        let output = self.ends(&self.output)?;
        let partitions = (0..self.partitions)
            .map(|partition| {
                let element = committed.find_partition(&self.source, partition).filter(|e| e.error().is_ok());
                let metadata = element.as_ref().and_then(|element| CommitMetadata::decode(element.metadata()));
                PartitionView {
                    partition,
                    end: offset(&ends, &self.source, partition),
                    committed: element.and_then(|element| literal(element.offset())),
                    owner: metadata.map(|metadata| metadata.member),
                }
            })
            .collect::<Vec<_>>();
        let sum = |ends: &TopicPartitionList, topic: &str| {
            (0..self.partitions).filter_map(|partition| offset(ends, topic, partition)).map(i64::unsigned_abs).sum()
        };
        Ok(View { sent: sum(&ends, &self.source), processed: sum(&output, &self.output), partitions })
    }

    /// Looks again and again until `stop`, in a thread of its own. A look that fails leaves the last view standing.
    pub(crate) fn watch(self, stop: CancellationToken) -> (watch::Receiver<View>, tokio::task::JoinHandle<()>) {
        let (show, view) = watch::channel(View::default());
        let looking = tokio::task::spawn_blocking(move || {
            while !stop.is_cancelled() {
                if let Ok(view) = self.look() {
                    show.send_replace(view);
                }
                std::thread::sleep(INTERVAL);
            }
        });
        (view, looking)
    }

    fn ends(&self, topic: &str) -> Result<TopicPartitionList, Error> {
        let ends = self.client.offsets_for_times(self.list(topic, Offset::End)?, REQUEST_TIMEOUT);
        ends.map_err(Error::kafka(format!("asking for the end of topic {topic}")))
    }

    fn list(&self, topic: &str, offset: Offset) -> Result<TopicPartitionList, Error> {
        let mut list = TopicPartitionList::new();
        (0..self.partitions)
            .try_for_each(|partition| list.add_partition_offset(topic, partition, offset))
            .map_err(Error::kafka(format!("listing the partitions of topic {topic}")))?;
        Ok(list)
    }
}

fn client(kafka: &KafkaConfig, group: &str) -> KafkaResult<BaseConsumer> {
    kafka.client("demo-watcher").set("group.id", group).set("enable.auto.commit", "false").create()
}

fn offset(list: &TopicPartitionList, topic: &str, partition: i32) -> Option<i64> {
    let element = list.find_partition(topic, partition).filter(|element| element.error().is_ok())?;
    literal(element.offset())
}

fn literal(offset: Offset) -> Option<i64> {
    match offset {
        Offset::Offset(offset) => Some(offset),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_that_is_unknown_is_not_zero() {
        let view = PartitionView { end: Some(7), ..PartitionView::default() };
        assert_eq!((view.lag(), view.missing()), (None, 7));
        let view = PartitionView { committed: Some(5), ..view };
        assert_eq!((view.lag(), view.missing()), (Some(2), 2));
        let view = PartitionView { end: None, ..view };
        assert_eq!((view.lag(), view.missing()), (None, 0));
    }
}
