//! Asks Kafka, without joining any group. Everything here blocks, each call no longer than its timeout.

mod admin;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::commit_metadata::now_ms;
use common::kafka::{Connection, KafkaConfig};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{IsError as _, KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use self::admin::Admin;
use crate::groups::{Groups, Watched};
use crate::reading::{ErrorKind, GroupReading, LogReading, PartitionId, ReadError, Round, TopicReading};

/// A client that looks on.
pub struct Reader {
    settings: ClientConfig,
    bootstrap_servers: String,
    connection: Arc<Connection>,
    client: Mutex<Client>,
    groups: Groups,
    topics: Vec<Arc<str>>,
    timeout: Duration,
}

/// So many events of the client are taken before each round: far more than come between two.
const EVENTS: usize = 256;

type Client = Arc<BaseConsumer<Context>>;

struct Context(Arc<Connection>);

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = false;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.0.statistics(statistics);
    }
}

impl ConsumerContext for Context {}

/// Each topic's partitions, and whether each has a leader.
type Partitions = HashMap<Arc<str>, Result<HashMap<i32, bool>, ReadError>>;

/// Offsets of partitions, or why there is none.
type Offsets = HashMap<PartitionId, Result<u64, ReadError>>;

impl Reader {
    /// A reader of these groups, each of whose calls takes no longer than `timeout`. It connects later, by itself.
    ///
    /// # Errors
    /// Where the client refuses its settings.
    pub fn new(
        kafka: &KafkaConfig,
        groups: Groups,
        timeout: Duration,
        connection: Arc<Connection>,
    ) -> KafkaResult<Self> {
        // It joins no group. But librdkafka 2.12 follows a null pointer when a coordinator has moved and the client has
        // none of its own; and rights to ask for this one are there.
        let group = groups.iter().next().map_or("monitor", |watched| &watched.group);
        let mut settings = kafka.client("monitor");
        settings.set("group.id", group).set("enable.auto.commit", "false").set("allow.auto.create.topics", "false");
        let client = Mutex::new(connect(&settings, &connection)?);
        let topics = groups.topics();
        let bootstrap_servers = kafka.bootstrap_servers().to_owned();
        Ok(Self { settings, bootstrap_servers, connection, client, groups, topics, timeout })
    }

    fn client(&self) -> Client {
        Arc::clone(&self.client.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Goes on with another client: one with a question that waits for ever is not to be kept.
    fn start_anew(&self) {
        match connect(&self.settings, &self.connection) {
            Ok(client) => *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client,
            Err(error) => tracing::warn!("no other Kafka client can be had: {error}"),
        }
    }

    /// Reads everything once.
    #[must_use]
    pub fn read(&self) -> Round {
        let client = self.client();
        // The client's errors and statistics, which its context takes, one with each call. Records never come.
        (0..EVENTS).for_each(|_| drop(client.poll(Duration::ZERO)));
        self.connection.brokers.recall(client.client(), &self.bootstrap_servers);
        let (partitions, away) = self.partitions(&client);
        let known = |topic: &Arc<str>| partitions.get(topic).and_then(|read| read.as_ref().ok());
        let ids = |topics: &[Arc<str>]| -> Vec<PartitionId> {
            let ids = |topic: &Arc<str>| -> Vec<PartitionId> {
                let of = |(partition, has_leader): (&i32, &bool)| {
                    has_leader.then(|| PartitionId { topic: Arc::clone(topic), partition: *partition })
                };
                known(topic).into_iter().flatten().filter_map(of).collect()
            };
            topics.iter().flat_map(ids).collect()
        };
        // Committed offsets come first: what is committed meanwhile then shows as a lag that is too large by as much,
        // and never as one below zero.
        let groups = self.groups(&client, away.as_ref(), &ids);
        let all = ids(&self.topics);
        let starts = self.offsets(&client, &all, Offset::Beginning);
        let at_ms = u64::try_from(now_ms()).unwrap_or(0);
        let ends = self.offsets(&client, &all, Offset::End);
        let topics = partitions
            .into_iter()
            .map(|(topic, partitions)| {
                let read = partitions.map(|partitions| log_readings(&topic, &partitions, &starts, &ends));
                (topic, read)
            })
            .collect();
        Round { at_ms, topics, groups }
    }

    /// The offsets that partitions' logs had reached at a time: of the first record that is not older.
    #[must_use]
    pub fn offsets_at(&self, partitions: &[PartitionId], at_ms: u64) -> HashMap<PartitionId, u64> {
        let Ok(at_ms) = i64::try_from(at_ms) else { return HashMap::new() };
        let read = self.offsets(&self.client(), partitions, Offset::Offset(at_ms));
        read.into_iter().filter_map(|(id, offset)| Some((id, offset.ok()?))).collect()
    }

    /// Each topic's partitions, and whether each has a leader; and why nobody answers, if so.
    fn partitions(&self, client: &Client) -> (Partitions, Option<ReadError>) {
        let mut away: Option<ReadError> = None;
        let mut read = HashMap::new();
        for topic in &self.topics {
            // Where nobody answers, the others need not be waited for.
            let partitions = away.clone().map_or_else(|| self.partitions_of(client, topic), Err);
            if let Err(error) = &partitions
                && matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut)
            {
                away.get_or_insert_with(|| error.clone());
            }
            read.insert(Arc::clone(topic), partitions);
        }
        (read, away)
    }

    fn partitions_of(&self, client: &Client, topic: &str) -> Result<HashMap<i32, bool>, ReadError> {
        let metadata = client.fetch_metadata(Some(topic), self.timeout)?;
        let Some(topic) = metadata.topics().iter().find(|read| read.name() == topic) else {
            return Err(ReadError::refused("the broker tells nothing of it"));
        };
        if let Some(error) = topic.error().filter(|error| error.is_error()) {
            return Err(ReadError::from_code(RDKafkaErrorCode::from(error)));
        }
        Ok(topic.partitions().iter().map(|partition| (partition.id(), partition.leader() >= 0)).collect())
    }

    fn groups(
        &self,
        client: &Client,
        away: Option<&ReadError>,
        ids: &dyn Fn(&[Arc<str>]) -> Vec<PartitionId>,
    ) -> HashMap<String, GroupReading> {
        // Nobody would answer these questions either.
        let admin = away
            .cloned()
            .map_or_else(|| Admin::new(client.client().native_ptr(), self.timeout).map_err(ReadError::from), Err);
        let admin = match admin {
            Ok(admin) => admin,
            Err(error) => {
                let failed = |watched: &Watched| {
                    // Where no topic could be read, that has been said.
                    let offsets = if ids(&watched.topics).is_empty() { Ok(HashMap::new()) } else { Err(error.clone()) };
                    (watched.group.clone(), GroupReading { offsets, members: Err(error.clone()) })
                };
                return self.groups.iter().map(failed).collect();
            }
        };
        let mut read = HashMap::new();
        let mut asked = Vec::new();
        for watched in self.groups.iter() {
            let ids = ids(&watched.topics);
            match list(&ids, Offset::Invalid) {
                Ok(list) if !ids.is_empty() => asked.push((watched.group.as_str(), list)),
                Ok(_) => {
                    let _ = read.insert(watched.group.clone(), Ok(HashMap::new()));
                }
                Err(error) => {
                    let _ = read.insert(watched.group.clone(), Err(error.into()));
                }
            }
        }
        let answers = admin.offsets(&asked);
        read.extend(asked.iter().map(|(group, _)| (*group).to_owned()).zip(answers));
        let names: Vec<&str> = self.groups.iter().map(|watched| watched.group.as_str()).collect();
        let mut members = admin.members(&names);
        if admin.is_unanswered() {
            self.start_anew();
        }
        read.into_iter()
            .map(|(group, offsets)| {
                let untold = || Err(ReadError::refused("the broker does not describe groups"));
                let members = members.remove(&group).unwrap_or_else(untold);
                (group, GroupReading { offsets, members })
            })
            .collect()
    }

    fn offsets(&self, client: &Client, partitions: &[PartitionId], asked: Offset) -> Offsets {
        if partitions.is_empty() {
            return Offsets::new();
        }
        let read = list(partitions, asked).and_then(|list| client.offsets_for_times(list, self.timeout));
        let list = match read {
            Ok(list) => list,
            Err(error) => {
                let error = ReadError::from(error);
                return partitions.iter().map(|id| (id.clone(), Err(error.clone()))).collect();
            }
        };
        let mut topics: HashMap<&str, Arc<str>> = HashMap::new();
        topics.extend(self.topics.iter().map(|topic| (&**topic, Arc::clone(topic))));
        let elements = list.elements();
        let read = elements.iter().filter_map(|element| {
            let topic = Arc::clone(topics.get(element.topic())?);
            let id = PartitionId { topic, partition: element.partition() };
            Some((id, element.error().map_err(ReadError::from).and_then(|()| literal(element.offset()))))
        });
        read.collect()
    }
}

fn connect(settings: &ClientConfig, connection: &Arc<Connection>) -> KafkaResult<Client> {
    settings.create_with_context(Context(Arc::clone(connection))).map(Arc::new)
}

fn log_readings(topic: &Arc<str>, partitions: &HashMap<i32, bool>, starts: &Offsets, ends: &Offsets) -> TopicReading {
    let read = |offsets: &Offsets, id: &PartitionId| {
        let unread = || Err(ReadError::refused("the broker tells nothing of it"));
        offsets.get(id).cloned().unwrap_or_else(unread)
    };
    let reading = |(partition, has_leader): (&i32, &bool)| {
        let id = PartitionId { topic: Arc::clone(topic), partition: *partition };
        let log = match has_leader {
            true => read(ends, &id).and_then(|end| Ok(LogReading { start: read(starts, &id)?, end })),
            false => Err(ReadError::from_code(RDKafkaErrorCode::LeaderNotAvailable)),
        };
        (*partition, log)
    };
    partitions.iter().map(reading).collect()
}

fn list(partitions: &[PartitionId], offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    partitions.iter().try_for_each(|id| list.add_partition_offset(&id.topic, id.partition, offset))?;
    Ok(list)
}

fn literal(offset: Offset) -> Result<u64, ReadError> {
    match offset {
        Offset::Offset(offset) => u64::try_from(offset).map_err(|_| ReadError::refused("the offset is negative")),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
            Err(ReadError::refused("the broker tells no offset"))
        }
    }
}
