//! The Kafka on which the story is played, and the topics made for it.

use std::time::Duration;

use common::kafka::KafkaConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::Error;
use crate::embedded::EmbeddedKafka;

/// How long Kafka is looked for.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a request for topics may take.
const ADMIN_TIMEOUT: Duration = Duration::from_secs(15);

/// A Kafka with the topics of the story.
#[derive(Debug)]
pub(crate) struct Venue {
    kafka: KafkaConfig,
    /// The broker, where it is the demo's own.
    embedded: Option<EmbeddedKafka>,
    /// Where the updates go.
    pub(crate) source: String,
    /// Where processed updates go.
    pub(crate) output: String,
    /// Where poison goes.
    pub(crate) dead_letters: String,
    /// The consumers' group.
    pub(crate) group: String,
    /// How many partitions each topic has.
    pub(crate) partitions: i32,
}

impl Venue {
    /// Starts an embedded Kafka, or finds the one at `bootstrap`, and makes the topics there.
    ///
    /// # Errors
    /// Where there is no Kafka or it refuses the topics.
    pub(crate) async fn open(bootstrap: Option<&str>, partitions: i32) -> Result<Self, Error> {
        let venue = match bootstrap {
            None => {
                let embedded = EmbeddedKafka::start()?;
                let kafka = KafkaConfig::plaintext(embedded.bootstrap_servers());
                Self::named(kafka, Some(embedded), "stocks", "stock-readers", partitions)
            }
            Some(bootstrap) => {
                // Names that no other run has: what is there already is not touched.
                let run = format!("lagless-demo-{:08x}", fastrand::u32(..));
                let kafka = KafkaConfig::plaintext(bootstrap);
                kafka.check().map_err(|(_, reason)| Error::Options(format!("--bootstrap {bootstrap}: {reason}")))?;
                Self::named(kafka, None, &format!("{run}-stocks"), &run, partitions)
            }
        };
        match &venue.embedded {
            Some(embedded) => {
                venue.topics().into_iter().try_for_each(|topic| embedded.create_topic(topic, partitions))?;
            }
            None => venue.create_topics().await?,
        }
        Ok(venue)
    }

    fn named(kafka: KafkaConfig, embedded: Option<EmbeddedKafka>, source: &str, group: &str, partitions: i32) -> Self {
        Self {
            kafka,
            embedded,
            source: source.to_owned(),
            output: format!("{source}-processed"),
            dead_letters: format!("{source}-dead-letters"),
            group: group.to_owned(),
            partitions,
        }
    }

    /// How clients reach it.
    #[must_use]
    pub(crate) fn kafka(&self) -> &KafkaConfig {
        &self.kafka
    }

    /// Whether it is the demo's own.
    #[must_use]
    pub(crate) fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Deletes what was made for the story.
    ///
    /// # Errors
    /// What could not be deleted.
    pub(crate) async fn close(self) -> Result<(), Error> {
        if self.embedded.is_some() {
            return Ok(());
        }
        let (admin, options) = self.admin()?;
        let deleted = admin.delete_topics(&self.topics(), &options).await;
        for topic in deleted.map_err(Error::kafka("deleting topics"))? {
            topic.map_err(|(topic, code)| refused(&format!("deleting topic {topic}"), code))?;
        }
        // The group of a story that was cut short may still have members: it goes by itself, without its topics.
        let _ = admin.delete_groups(&[&self.group], &options).await;
        Ok(())
    }

    fn topics(&self) -> [&str; 3] {
        [&self.source, &self.output, &self.dead_letters]
    }

    async fn create_topics(&self) -> Result<(), Error> {
        let (admin, options) = self.admin()?;
        // Asked first, because a client waits much longer for a broker that is not there.
        let at = self.kafka.bootstrap_servers();
        let found = admin.inner().fetch_metadata(None, SEARCH_TIMEOUT);
        found.map_err(Error::kafka(format!("looking for it at {at}")))?;
        // As many replicas as the broker gives by default.
        let topics = self.topics().map(|topic| NewTopic::new(topic, self.partitions, TopicReplication::Fixed(-1)));
        let doing = format!("creating topics at {at}");
        for topic in admin.create_topics(&topics, &options).await.map_err(Error::kafka(doing))? {
            topic.map_err(|(topic, code)| refused(&format!("creating topic {topic}"), code))?;
        }
        Ok(())
    }

    fn admin(&self) -> Result<(AdminClient<DefaultClientContext>, AdminOptions), Error> {
        let admin = self.kafka.client("demo").create().map_err(Error::kafka("making an admin client"))?;
        let options = AdminOptions::new().request_timeout(Some(ADMIN_TIMEOUT)).operation_timeout(Some(ADMIN_TIMEOUT));
        Ok((admin, options))
    }
}

fn refused(doing: &str, code: rdkafka::types::RDKafkaErrorCode) -> Error {
    Error::kafka(doing)(rdkafka::error::KafkaError::AdminOp(code))
}
