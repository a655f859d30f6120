//! Reads the topics into the ledger, without joining any group.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use common::kafka::KafkaConfig;
use common::murmur2::partition_of;
use common::quote::{SEQUENCE_HEADER, Symbol};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::{Audit, Kill, Ledger, Processed, Sent};
use crate::Error;

/// The headers of a forwarded record that carry the partition and the offset it came from, in decimal.
const SOURCE_HEADERS: [&str; 2] = ["source-partition", "source-offset"];

/// The same of a dead letter.
const DEAD_LETTER_HEADERS: [&str; 2] = ["dead-letter-partition", "dead-letter-offset"];

/// The header that carries the name of the member that processed a record.
const MEMBER_HEADER: &str = "member";

/// How long one question to a broker may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Reading gives up when nothing has come for so long.
const SILENCE: Duration = Duration::from_secs(15);

/// A topic, or the part of it from given offsets on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    topic: String,
    from: BTreeMap<i32, i64>,
    until: BTreeMap<i32, i64>,
}

impl Extent {
    /// All that is in a topic.
    #[must_use]
    pub fn whole(topic: &str) -> Self {
        Self::from(topic, BTreeMap::new())
    }

    /// What follows these offsets, inclusive; a partition without one is read from its beginning.
    #[must_use]
    pub fn from(topic: &str, from: BTreeMap<i32, i64>) -> Self {
        Self { topic: topic.to_owned(), from, until: BTreeMap::new() }
    }

    /// What lies between these offsets, the last ones not included.
    #[must_use]
    pub fn between(topic: &str, from: BTreeMap<i32, i64>, until: BTreeMap<i32, i64>) -> Self {
        Self { topic: topic.to_owned(), from, until }
    }

    fn ranges(&self) -> BTreeMap<i32, Range<i64>> {
        let range =
            |(partition, until): (&i32, &i64)| (*partition, self.from.get(partition).copied().unwrap_or(0)..*until);
        self.until.iter().map(range).collect()
    }
}

/// What an audit reads.
#[derive(Clone, Debug)]
pub struct Topics {
    /// Where the updates were sent.
    pub source: Extent,
    /// Where processed updates were forwarded.
    pub output: Extent,
    /// Where poison went, if anywhere.
    pub dead_letters: Option<Extent>,
}

/// Reads the topics and draws up the account. Blocks. Where the source is read to its end, nothing may be written
/// meanwhile.
///
/// # Errors
/// Where a topic cannot be read, or nothing comes for 15 seconds before its end.
pub fn audit(kafka: &KafkaConfig, topics: &Topics, kills: Vec<Kill>) -> Result<Audit, Error> {
    let mut ledger = Ledger::of(kills, topics.source.ranges());
    let partitions = partitions(&reader(kafka)?, &topics.source.topic)?.len();
    read(kafka, &topics.source, |record| {
        let sent = Sent { partition: record.partition(), offset: record.offset() };
        ledger.sent(sent, at_ms(record));
        let expected = record.key().map(|key| partition_of(key, u32::try_from(partitions).unwrap_or(1)));
        if let Some(expected) = expected.filter(|expected| i64::from(*expected) != i64::from(sent.partition)) {
            ledger.misrouted(sent, expected);
        }
    })?;
    read(kafka, &topics.output, |record| match source(record, SOURCE_HEADERS) {
        Some(source) => ledger.processed(Processed {
            source,
            at_ms: at_ms(record),
            symbol: record.key().and_then(Symbol::parse),
            sequence: number(record, SEQUENCE_HEADER),
            member: header(record, MEMBER_HEADER).unwrap_or("nobody"),
        }),
        None => ledger.unmarked(record.topic()),
    })?;
    if let Some(dead_letters) = &topics.dead_letters {
        read(kafka, dead_letters, |record| match source(record, DEAD_LETTER_HEADERS) {
            Some(source) => ledger.dead_letter(source),
            None => ledger.unmarked(record.topic()),
        })?;
    }
    Ok(ledger.close())
}

/// Where a topic ends now: the next offset of each partition.
///
/// # Errors
/// Where the broker does not answer for each of them.
pub fn end_of(kafka: &KafkaConfig, topic: &str) -> Result<BTreeMap<i32, i64>, Error> {
    let reader = reader(kafka)?;
    let doing = || Error::kafka(format!("asking for the end of topic {topic}"));
    partitions(&reader, topic)?
        .into_iter()
        .map(|partition| {
            Ok((partition, reader.fetch_watermarks(topic, partition, REQUEST_TIMEOUT).map_err(doing())?.1))
        })
        .collect()
}

/// Where a topic's records of this time begin: the first offset of each partition that is not older.
///
/// # Errors
/// Where the broker does not answer for each of them.
pub fn offsets_at(kafka: &KafkaConfig, topic: &str, at_ms: i64) -> Result<BTreeMap<i32, i64>, Error> {
    let reader = reader(kafka)?;
    let doing = || Error::kafka(format!("asking for the records of topic {topic} since then"));
    let mut list = TopicPartitionList::new();
    for partition in partitions(&reader, topic)? {
        list.add_partition_offset(topic, partition, Offset::Offset(at_ms)).map_err(doing())?;
    }
    let offsets = reader.offsets_for_times(list, REQUEST_TIMEOUT).map_err(doing())?;
    let mut ends = end_of(kafka, topic)?;
    for element in offsets.elements() {
        element.error().map_err(doing())?;
        // Without a record since then it is the end.
        if let Offset::Offset(offset) = element.offset() {
            ends.insert(element.partition(), offset);
        }
    }
    Ok(ends)
}

/// Hands over every record of a topic, of each partition in its order.
fn read(kafka: &KafkaConfig, extent: &Extent, mut take: impl FnMut(&BorrowedMessage<'_>)) -> Result<(), Error> {
    let topic = extent.topic.as_str();
    let reader = reader(kafka)?;
    let doing = || Error::kafka(format!("reading topic {topic}"));
    let mut unfinished: BTreeSet<i32> = partitions(&reader, topic)?.into_iter().collect();
    let mut list = TopicPartitionList::new();
    for &partition in &unfinished {
        let from = extent.from.get(&partition).map_or(Offset::Beginning, |&offset| Offset::Offset(offset));
        list.add_partition_offset(topic, partition, from).map_err(doing())?;
    }
    // Where there is nothing to read, nothing would ever come.
    let is_empty = |partition: &i32| {
        extent.until.get(partition) == extent.from.get(partition) && extent.until.contains_key(partition)
    };
    unfinished.retain(|partition| !is_empty(partition));
    reader.assign(&list).map_err(doing())?;
    let mut heard = Instant::now();
    while !unfinished.is_empty() {
        match reader.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => {
                let until = extent.until.get(&record.partition()).copied().unwrap_or(i64::MAX);
                if record.offset() < until {
                    take(&record);
                }
                if record.offset() + 1 >= until {
                    unfinished.remove(&record.partition());
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                unfinished.remove(&partition);
            }
            // The client tries on by itself; whether in vain, the time tells.
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(is_passing) => continue,
            Some(Err(error)) => return Err(doing()(error)),
            None if heard.elapsed() < SILENCE => continue,
            None => {
                return Err(Error::Timeout {
                    awaited: format!("The end of topic {topic}"),
                    seconds: SILENCE.as_secs(),
                    last: format!("missing in partitions {unfinished:?}"),
                });
            }
        }
        heard = Instant::now();
    }
    Ok(())
}

fn is_passing(code: rdkafka::types::RDKafkaErrorCode) -> bool {
    use rdkafka::types::RDKafkaErrorCode as Code;
    matches!(code, Code::BrokerTransportFailure | Code::AllBrokersDown | Code::NotLeaderForPartition)
}

fn reader(kafka: &KafkaConfig) -> Result<BaseConsumer, Error> {
    kafka
        .client("audit")
        // Reading by assignment joins no group, but the client wants the name of one.
        .set("group.id", "audit")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error")
        .set("fetch.wait.max.ms", "20")
        .set("fetch.queue.backoff.ms", "5")
        .create()
        .map_err(Error::kafka("making a reader"))
}

fn partitions(reader: &BaseConsumer, topic: &str) -> Result<Vec<i32>, Error> {
    let doing = || Error::kafka(format!("asking for the partitions of topic {topic}"));
    let metadata = reader.fetch_metadata(Some(topic), REQUEST_TIMEOUT).map_err(doing())?;
    let answer = metadata.topics().first();
    if let Some(error) = answer.and_then(rdkafka::metadata::MetadataTopic::error) {
        return Err(doing()(KafkaError::MetadataFetch(error.into())));
    }
    Ok(answer.map(|topic| topic.partitions().iter().map(|partition| partition.id()).collect()).unwrap_or_default())
}

/// The time of a record, in milliseconds since 1970.
fn at_ms(record: &BorrowedMessage<'_>) -> i64 {
    record.timestamp().to_millis().unwrap_or(0)
}

fn source(record: &BorrowedMessage<'_>, [partition, offset]: [&str; 2]) -> Option<Sent> {
    Some(Sent { partition: number(record, partition)?, offset: number(record, offset)? })
}

fn number<N: std::str::FromStr>(record: &BorrowedMessage<'_>, name: &str) -> Option<N> {
    header(record, name)?.parse().ok()
}

/// The last header of this name. Ours stand last: a stranger's, whose names may be anything, are not even looked at.
fn header<'a>(record: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let headers = record.headers()?;
    let header = (0..headers.count()).rev().filter_map(|at| headers.try_get(at)).find(|header| header.key == name)?;
    std::str::from_utf8(header.value?).ok()
}
