//! A Kafka inside this process: the mock cluster of librdkafka, which other processes may use over loopback too.

use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::Error;

/// Every broker of the mock cluster.
const ALL_BROKERS: i32 = -1;

/// How quickly the broker takes note of its groups' members.
#[derive(Clone, Copy, Debug)]
pub struct GroupTimes {
    /// A member that is silent for so long is out of the group.
    pub session: Duration,
    /// How often a member is to report; assignments travel in the answers.
    pub heartbeat: Duration,
}

impl Default for GroupTimes {
    /// Quick enough to watch, slow enough for a loaded machine.
    fn default() -> Self {
        Self { session: Duration::from_secs(3), heartbeat: Duration::from_millis(500) }
    }
}

/// A running mock cluster of one broker on 127.0.0.1. It keeps 5 MiB or 100,000 batches per partition, and is gone when dropped.
pub struct EmbeddedKafka {
    // The client that owns the mock cluster. It never sends anything.
    owner: BaseProducer,
    bootstrap_servers: String,
}

impl EmbeddedKafka {
    /// Starts a broker on a free port.
    ///
    /// # Errors
    /// Where librdkafka cannot make it.
    pub fn start() -> Result<Self, Error> {
        Self::with_group_times(GroupTimes::default())
    }

    /// The same, with a choice of how quickly groups react.
    ///
    /// # Errors
    /// Where librdkafka cannot make it.
    pub fn with_group_times(times: GroupTimes) -> Result<Self, Error> {
        let owner: BaseProducer = ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            .create()
            .map_err(Error::kafka("starting the embedded broker"))?;
        set_group_times(&owner, times);
        let bootstrap_servers = mock(&owner)?.bootstrap_servers();
        Ok(Self { owner, bootstrap_servers })
    }

    /// Where clients find it: `127.0.0.1:PORT`.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Creates a topic; a mock cluster does not take that request from clients.
    ///
    /// # Errors
    /// Where the topic exists or has an impossible number of partitions.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), Error> {
        let doing = format!("creating topic {name} in the embedded broker");
        mock(&self.owner)?.create_topic(name, partitions, 1).map_err(Error::kafka(doing))
    }

    /// Cuts every connection and refuses new ones; what was written stays.
    ///
    /// # Errors
    /// Where the mock cluster refuses.
    pub fn broker_down(&self) -> Result<(), Error> {
        mock(&self.owner)?.broker_down(ALL_BROKERS).map_err(Error::kafka("taking the embedded broker down"))
    }

    /// Lets clients connect again.
    ///
    /// # Errors
    /// Where the mock cluster refuses.
    pub fn broker_up(&self) -> Result<(), Error> {
        mock(&self.owner)?.broker_up(ALL_BROKERS).map_err(Error::kafka("bringing the embedded broker up"))
    }

    /// Refuses everything about a topic, or no more.
    ///
    /// # Errors
    /// Where the mock cluster refuses.
    pub fn refuse_topic(&self, name: &str, refuse: bool) -> Result<(), Error> {
        let error = if refuse {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
        } else {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
        };
        mock(&self.owner)?.topic_error(name, error).map_err(Error::kafka("refusing a topic in the embedded broker"))
    }

    /// Refuses the next commits of offsets, as where the right to read their topic is missing.
    ///
    /// # Errors
    /// Where the mock cluster cannot be found.
    pub fn refuse_commits(&self, commits: usize) -> Result<(), Error> {
        let refusals = vec![RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; commits];
        mock(&self.owner)?.request_errors(RDKafkaApiKey::OffsetCommit, &refusals);
        Ok(())
    }

    /// Answers the next heartbeats of KIP-848 members with an error that no client recovers from.
    ///
    /// # Errors
    /// Where the mock cluster cannot be found.
    #[allow(unsafe_code, reason = "the safe bindings have no name for this request")]
    pub fn refuse_heartbeats(&self) -> Result<(), Error> {
        use rdkafka::bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_push_request_errors_array};
        /// `ConsumerGroupHeartbeat` in Kafka's protocol.
        const API_KEY: i16 = 68;
        let mut errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_INVALID_REQUEST; 3];
        mock(&self.owner)?;
        // SAFETY: as in `set_group_times`; the errors are copied.
        unsafe {
            let cluster = rd_kafka_handle_mock_cluster(self.owner.client().native_ptr());
            rd_kafka_mock_push_request_errors_array(cluster, API_KEY, errors.len(), errors.as_mut_ptr());
        }
        Ok(())
    }
}

impl fmt::Debug for EmbeddedKafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedKafka").field("bootstrap_servers", &self.bootstrap_servers).finish_non_exhaustive()
    }
}

fn mock(owner: &BaseProducer) -> Result<MockCluster<'_, DefaultProducerContext>, Error> {
    let missing = rdkafka::error::KafkaError::MockCluster(rdkafka::types::RDKafkaErrorCode::Fail);
    owner.client().mock_cluster().ok_or(missing).map_err(Error::kafka("finding the embedded broker"))
}

/// Sets what the safe bindings have no word for.
#[allow(unsafe_code, reason = "three settings of the mock cluster that only the raw bindings have")]
fn set_group_times(owner: &BaseProducer, times: GroupTimes) {
    use rdkafka::bindings::{
        rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms,
        rd_kafka_mock_set_group_consumer_heartbeat_interval_ms, rd_kafka_mock_set_group_consumer_session_timeout_ms,
    };
    let milliseconds = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: `owner` is alive for the whole call and so is the mock cluster it owns, whose pointer is checked for
    // null and not kept; each setter takes the cluster's own lock.
    unsafe {
        let cluster = rd_kafka_handle_mock_cluster(owner.client().native_ptr());
        if cluster.is_null() {
            return;
        }
        rd_kafka_mock_set_group_consumer_session_timeout_ms(cluster, milliseconds(times.session));
        rd_kafka_mock_set_group_consumer_heartbeat_interval_ms(cluster, milliseconds(times.heartbeat));
        // Only classic groups wait at first for more members to come.
        rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, milliseconds(times.heartbeat));
    }
}
