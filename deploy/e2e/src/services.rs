//! What the services answer, asked through the API server.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use crate::cluster::Cluster;
use crate::error::Error;
use crate::patience::{Seen, seconds, until};

/// The group of the chart's consumers.
pub(crate) const GROUP: &str = "stock-readers";

/// The producer's `GET /load`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Load {
    pub(crate) running: bool,
    pub(crate) acknowledged: u64,
    pub(crate) failed: u64,
}

/// The producer's `GET /routing`.
#[derive(Debug, Deserialize)]
struct Routing {
    routes: Vec<Route>,
}

/// Where a symbol's updates went.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Route {
    pub(crate) symbol: String,
    pub(crate) partition: i32,
}

/// A consumer's `GET /assignment`.
#[derive(Debug, Deserialize)]
struct Assignment {
    partitions: Vec<Owned>,
}

#[derive(Debug, Deserialize)]
struct Owned {
    partition: i32,
}

/// The monitor's view of a group. What is `None` is not known.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Group {
    /// When it was read, by the monitor's clock.
    pub(crate) at_ms: u64,
    pub(crate) lag: Option<u64>,
    pub(crate) delay_seconds: Option<f64>,
    pub(crate) capacity: Option<f64>,
    pub(crate) plan: Plan,
}

/// How many consumers are needed, and why.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plan {
    pub(crate) replicas: Option<u32>,
    pub(crate) reason: String,
    pub(crate) sentence: String,
}

/// A decision of the past.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Decision {
    pub(crate) at_ms: u64,
    pub(crate) replicas: Option<u32>,
    pub(crate) sentence: String,
}

#[derive(Debug, Deserialize)]
struct Decisions {
    plans: Vec<Decision>,
}

/// The auditor's account.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Account {
    pub(crate) sent: u64,
    pub(crate) processed: u64,
    pub(crate) dead_letters: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) order_violations: u64,
    pub(crate) strangers: u64,
    pub(crate) misrouted: u64,
    pub(crate) delays: Option<Delays>,
    pub(crate) findings: Vec<String>,
}

/// How long updates took.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Delays {
    pub(crate) p99_ms: u64,
    pub(crate) worst_ms: u64,
}

#[derive(Debug, Deserialize)]
struct Rebalances {
    rebalances: Vec<Rebalance>,
}

/// Partitions that went to others.
#[derive(Debug, Deserialize)]
pub(crate) struct Rebalance {
    pub(crate) at_ms: u64,
}

impl Cluster {
    fn service(&self, name: &str, path: &str) -> String {
        format!("/api/v1/namespaces/{}/services/{name}:http/proxy{path}", self.namespace)
    }

    fn pod(&self, name: &str, path: &str) -> String {
        format!("/api/v1/namespaces/{}/pods/{name}:8080/proxy{path}", self.namespace)
    }

    /// How much the producer sends, and has sent.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn load(&self) -> Result<Load, Error> {
        self.proxy.get(&self.service("producer", "/load")).await
    }

    /// Makes the producer send so many updates per second, without an end.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn send(&self, rate: u32) -> Result<(), Error> {
        self.change_load(&json!({"rate": rate, "updates": 0})).await
    }

    /// Makes the producer send so many updates at this rate, and no more.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn send_only(&self, updates: u32, rate: u32) -> Result<(), Error> {
        self.change_load(&json!({"rate": rate, "updates": updates})).await
    }

    /// Makes the producer end its run.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn send_no_more(&self) -> Result<(), Error> {
        // A run of one update is over as soon as that was sent.
        self.change_load(&json!({"updates": 1})).await
    }

    /// A service leads to nobody while its pod has no broker: what was ready a moment ago need not be now.
    async fn change_load(&self, load: &serde_json::Value) -> Result<(), Error> {
        until("a producer that takes the load", seconds(60), async || {
            self.proxy.put::<Load>(&self.service("producer", "/load"), load).await.map(|_| Seen::Yes(()))
        })
        .await
    }

    /// Where each symbol goes.
    ///
    /// # Errors
    /// Where the producer does not answer.
    pub(crate) async fn routing(&self) -> Result<Vec<Route>, Error> {
        let routing: Routing = self.proxy.get(&self.service("producer", "/routing")).await?;
        Ok(routing.routes)
    }

    /// The group as the monitor sees it.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn group(&self) -> Result<Group, Error> {
        self.proxy.get(&self.service("monitor", &format!("/api/v1/groups/{GROUP}"))).await
    }

    /// The monitor's decisions, the oldest first.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn decisions(&self) -> Result<Vec<Decision>, Error> {
        let decisions: Decisions =
            self.proxy.get(&self.service("monitor", &format!("/api/v1/groups/{GROUP}/plans"))).await?;
        Ok(decisions.plans.into_iter().rev().collect())
    }

    /// The rebalances that the monitor has seen since some time, in milliseconds since 1970.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn rebalances_since(&self, since_ms: u64) -> Result<usize, Error> {
        let told: Rebalances =
            self.proxy.get(&self.service("monitor", &format!("/api/v1/groups/{GROUP}/rebalances"))).await?;
        Ok(told.rebalances.iter().filter(|rebalance| rebalance.at_ms >= since_ms).count())
    }

    /// The partitions that each living consumer says it has.
    ///
    /// # Errors
    /// Where one of them does not answer.
    pub(crate) async fn owned(&self) -> Result<BTreeMap<String, BTreeSet<i32>>, Error> {
        let mut owned = BTreeMap::new();
        for pod in self.component("consumer").await? {
            let name = pod.metadata.name;
            let assignment: Assignment = self.proxy.get(&self.pod(&name, "/assignment")).await?;
            owned.insert(name, assignment.partitions.iter().map(|owned| owned.partition).collect());
        }
        Ok(owned)
    }

    /// The sum of a metric's series over the living consumers, where `labels` is part of their text.
    ///
    /// # Errors
    /// Where one of them does not answer.
    pub(crate) async fn consumers_metric(&self, name: &str, labels: &str) -> Result<f64, Error> {
        let mut sum = 0.0;
        for pod in self.component("consumer").await? {
            sum += self.consumer_metric(&pod.metadata.name, name, labels).await?;
        }
        Ok(sum)
    }

    /// The same of one consumer.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn consumer_metric(&self, pod: &str, name: &str, labels: &str) -> Result<f64, Error> {
        let page = self.proxy.text(&self.pod(pod, "/metrics")).await?;
        Ok(page.lines().filter_map(|line| value(line, name, labels)).sum())
    }

    /// What became of every update so far.
    ///
    /// # Errors
    /// Where the auditor does not answer, or cannot tell.
    pub(crate) async fn account(&self, auditor: &str) -> Result<Account, Error> {
        self.proxy.get(&self.pod(auditor, "/audit")).await
    }

    /// What became of every update that was sent since some time, in milliseconds since 1970.
    ///
    /// # Errors
    /// Where the auditor does not answer, or cannot tell.
    pub(crate) async fn account_since(&self, auditor: &str, since_ms: u64) -> Result<Account, Error> {
        self.proxy.get(&self.pod(auditor, &format!("/audit?since_ms={since_ms}"))).await
    }
}

/// The value of a line of a metrics page, if it is of this series.
fn value(line: &str, name: &str, labels: &str) -> Option<f64> {
    let rest = line.strip_prefix(name)?;
    if !rest.starts_with([' ', '{']) || !rest.contains(labels) {
        return None;
    }
    rest.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_if_name_and_labels_are_those_asked_for() {
        let line = r#"consumer_rebalances_total{kind="assigned"} 3"#;
        assert_eq!(value(line, "consumer_rebalances_total", r#"kind="assigned""#), Some(3.0));
        assert_eq!(value(line, "consumer_rebalances_total", r#"kind="lost""#), None);
        assert_eq!(value(line, "consumer_rebalances", ""), None);
        assert_eq!(value("# HELP consumer_bytes_total Bytes", "consumer_bytes_total", ""), None);
        assert_eq!(value("consumer_bytes_total 17", "consumer_bytes_total", ""), Some(17.0));
    }
}
