//! Whether a client still knows any broker, and the way back where it does not.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::bindings::rd_kafka_brokers_add;
use rdkafka::client::{Client, ClientContext};
use serde::Deserialize;

/// The brokers a client knows. librdkafka 2.12 forgets all of them, those it was configured with too, where a broker
/// answers that there are none, as one does that was itself counted out for a moment; then it may never look for one
/// again.
#[derive(Debug, Default)]
pub struct Brokers {
    are_forgotten: AtomicBool,
}

/// The part of librdkafka's statistics that tells of brokers.
#[derive(Deserialize)]
pub(super) struct Statistics {
    brokers: HashMap<String, Broker>,
    pub(super) cgrp: Option<Group>,
}

#[derive(Deserialize)]
pub(super) struct Group {
    pub(super) state: String,
}

#[derive(Deserialize)]
struct Broker {
    state: String,
    #[serde(default)]
    source: String,
}

impl Statistics {
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Whether any broker answers.
    pub(super) fn is_up(&self) -> bool {
        self.brokers.values().any(|broker| broker.state == "UP")
    }
}

impl Brokers {
    /// Takes the JSON of [`ClientContext::stats_raw`].
    pub fn statistics(&self, json: &[u8]) {
        if let Some(statistics) = Statistics::read(json) {
            self.note(&statistics);
        }
    }

    pub(super) fn note(&self, statistics: &Statistics) {
        // The others stand for the coordinator and for the client itself.
        let is_one = |broker: &Broker| broker.source == "learned" || broker.source == "configured";
        self.are_forgotten.store(!statistics.brokers.values().any(is_one), Ordering::Relaxed);
    }

    /// Gives a client its bootstrap servers again if it has forgotten every broker; returns whether it had.
    #[allow(unsafe_code, reason = "the safe bindings do not have it")]
    pub fn recall<C: ClientContext>(&self, client: &Client<C>, bootstrap_servers: &str) -> bool {
        // Until the next statistics it is not known whether it knows one again.
        if !self.are_forgotten.swap(false, Ordering::Relaxed) {
            return false;
        }
        let Ok(servers) = CString::new(bootstrap_servers) else { return false };
        // SAFETY: the client lives as long as its borrow, and the text is copied.
        unsafe { rd_kafka_brokers_add(client.native_ptr(), servers.as_ptr()) };
        tracing::warn!("the Kafka client has forgotten all brokers; it gets {bootstrap_servers} again");
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};
    use rdkafka::mocking::MockCluster;

    use super::*;

    const FORGOTTEN: &[u8] = br#"{"brokers": {
        "GroupCoordinator": {"state": "TRY_CONNECT", "source": "logical"},
        ":0/internal": {"state": "UP", "source": "internal"}}}"#;
    const KNOWN: &[u8] = br#"{"brokers": {"a:1/1": {"state": "DOWN", "source": "learned"}}}"#;

    #[test]
    fn a_client_that_knows_no_broker_finds_them_again() {
        let cluster = MockCluster::new(1).unwrap();
        let client: BaseConsumer = ClientConfig::new().create().unwrap();
        let brokers = Brokers::default();
        assert!(!brokers.recall(client.client(), &cluster.bootstrap_servers()), "nothing was seen yet");
        brokers.statistics(FORGOTTEN);
        assert!(brokers.recall(client.client(), &cluster.bootstrap_servers()));
        assert!(!brokers.recall(client.client(), &cluster.bootstrap_servers()), "once is enough");
        let metadata = client.fetch_metadata(None, Duration::from_secs(10)).unwrap();
        assert_eq!(metadata.brokers().len(), 1);
    }

    #[test]
    fn a_broker_that_is_down_is_not_forgotten() {
        let client: BaseConsumer = ClientConfig::new().create().unwrap();
        let brokers = Brokers::default();
        brokers.statistics(FORGOTTEN);
        brokers.statistics(KNOWN);
        assert!(!brokers.recall(client.client(), "a:1"));
    }
}
