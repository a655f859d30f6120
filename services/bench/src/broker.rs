//! The broker: topics and groups of this run, which nobody else has and which are gone at its end.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use common::kafka::KafkaConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;

use crate::Error;

/// Partitions of every topic.
pub(crate) const PARTITIONS: i32 = 12;

/// How long the broker may take for a request.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How often it is asked whether a topic is there.
const TICK: Duration = Duration::from_millis(20);

/// A broker, and what was made there.
pub(crate) struct Broker {
    kafka: KafkaConfig,
    admin: AdminClient<DefaultClientContext>,
    /// What all names of this run begin with.
    run: String,
    names: Cell<u32>,
    topics: RefCell<Vec<String>>,
    groups: RefCell<Vec<String>>,
}

impl Broker {
    /// The broker at `KAFKA_BOOTSTRAP_SERVERS`.
    ///
    /// # Errors
    /// Where that is not set, or no broker answers.
    pub(crate) fn from_environment() -> Result<Self, Error> {
        let remedy = "set it to HOST:PORT of a running Kafka without encryption or login";
        let missing = |what: String| Error::Missing { what, remedy };
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS")
            .map_err(|_| missing("KAFKA_BOOTSTRAP_SERVERS is not set".to_owned()))?;
        let kafka = KafkaConfig::plaintext(&servers);
        kafka.check().map_err(|(name, reason)| missing(format!("{name}={servers:?}: {reason}")))?;
        let admin: AdminClient<_> = kafka.client("bench").create().map_err(Error::kafka("making a client"))?;
        admin.inner().fetch_metadata(None, TIMEOUT).map_err(Error::kafka(format!("no broker at {servers}")))?;
        let run = format!("lagless-bench-{:08x}", fastrand::u32(..));
        let (topics, groups) = (RefCell::default(), RefCell::default());
        Ok(Self { kafka, admin, run, names: Cell::new(0), topics, groups })
    }

    /// The settings of a client of it.
    pub(crate) fn client(&self) -> rdkafka::ClientConfig {
        self.kafka.client("bench")
    }

    /// How clients reach it.
    pub(crate) fn servers(&self) -> &str {
        self.kafka.bootstrap_servers()
    }

    /// Makes a topic and waits until all its partitions can be written to.
    ///
    /// # Errors
    /// Where the broker refuses or does not do it in time.
    pub(crate) async fn topic(&self) -> Result<String, Error> {
        self.topic_of(PARTITIONS).await
    }

    /// The same, with so many partitions.
    ///
    /// # Errors
    /// Where the broker refuses or does not do it in time.
    pub(crate) async fn topic_of(&self, partitions: i32) -> Result<String, Error> {
        let name = self.name();
        let doing = || format!("creating topic {name}");
        let new = NewTopic::new(&name, partitions, TopicReplication::Fixed(-1));
        for topic in self.admin.create_topics(&[new], &options()).await.map_err(Error::kafka(doing()))? {
            topic.map_err(|(_, code)| Error::kafka(doing())(KafkaError::AdminOp(code)))?;
        }
        self.topics.borrow_mut().push(name.clone());
        let begun = Instant::now();
        while !self.has_leaders(&name, partitions)? {
            if begun.elapsed() >= TIMEOUT {
                return Err(Error::Timeout { awaited: doing(), seconds: TIMEOUT.as_secs() });
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(name)
    }

    /// The name of a group that nobody has joined yet.
    pub(crate) fn group(&self) -> String {
        let name = self.name();
        self.groups.borrow_mut().push(name.clone());
        name
    }

    /// Deletes a topic, so that its records do not pile up.
    ///
    /// # Errors
    /// Where the broker refuses.
    pub(crate) async fn delete(&self, topic: &str) -> Result<(), Error> {
        let doing = || format!("deleting topic {topic}");
        for deleted in self.admin.delete_topics(&[topic], &options()).await.map_err(Error::kafka(doing()))? {
            deleted.map_err(|(_, code)| Error::kafka(doing())(KafkaError::AdminOp(code)))?;
        }
        self.topics.borrow_mut().retain(|name| name != topic);
        Ok(())
    }

    /// Deletes all that is left of this run.
    ///
    /// # Errors
    /// Where the broker refuses.
    pub(crate) async fn clean(&self) -> Result<(), Error> {
        let topics = self.topics.borrow().clone();
        for topic in &topics {
            self.delete(topic).await?;
        }
        let groups = self.groups.take();
        let groups: Vec<_> = groups.iter().map(String::as_str).collect();
        if !groups.is_empty() {
            // One that was killed may have members still: the broker forgets it by itself.
            let _ = self.admin.delete_groups(&groups, &options()).await;
        }
        Ok(())
    }

    fn has_leaders(&self, topic: &str, partitions: i32) -> Result<bool, Error> {
        let metadata = self.admin.inner().fetch_metadata(Some(topic), TIMEOUT);
        let metadata = metadata.map_err(Error::kafka(format!("looking at topic {topic}")))?;
        Ok(metadata.topics().iter().any(|topic| {
            let led = topic.partitions().iter().filter(|partition| partition.leader() >= 0).count();
            usize::try_from(partitions).is_ok_and(|partitions| led == partitions)
        }))
    }

    fn name(&self) -> String {
        self.names.set(self.names.get() + 1);
        format!("{}-{}", self.run, self.names.get())
    }
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}
