//! The chart's release, and the settings it has.

use crate::cluster::Cluster;
use crate::error::Error;
use crate::objects::Conditioned;
use crate::options::Place;
use crate::patience::{seconds, seen, until};

/// The release's name.
pub(crate) const RELEASE: &str = "lagless";

/// Where the chart is.
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../charts/lagless");

/// A value of the chart, as `--set` has it.
pub(crate) type Value<'a> = (&'a str, &'a str);

/// The release.
#[derive(Debug)]
pub(crate) struct Release {
    /// What differs from the chart's defaults in every scene.
    base: Vec<String>,
    /// What it has now; nothing before it is installed.
    now: Option<Vec<String>>,
}

impl Release {
    /// A release that is not installed yet.
    pub(crate) fn new(place: &Place) -> Self {
        let mut base = vec![
            format!("image.repository={}", place.images),
            format!("image.tag={}", place.image_tag),
            // The records outlive the broker's pod: without that, its death would be a loss.
            "kafka.strimzi.storage.type=persistent-claim".to_owned(),
            "kafka.strimzi.storage.size=1Gi".to_owned(),
        ];
        if place.prometheus().is_some() {
            base.extend(["podMonitors", "rules", "dashboards"].map(|what| format!("{what}.enabled=true")));
            base.push("podMonitors.interval=5s".to_owned());
        }
        Self { base, now: None }
    }

    /// Installs it, or brings it to these values on top of the base; does nothing where it has them. Does not wait for
    /// what comes of it.
    ///
    /// # Errors
    /// Where helm fails.
    pub(crate) async fn set(&mut self, cluster: &Cluster, values: &[Value<'_>]) -> Result<bool, Error> {
        let wanted: Vec<_> =
            self.base.iter().cloned().chain(values.iter().map(|(name, value)| format!("{name}={value}"))).collect();
        if self.now.as_ref() == Some(&wanted) {
            return Ok(false);
        }
        self.upgrade(cluster, wanted, &[]).await?;
        Ok(true)
    }

    /// Brings back what others have set in the meantime, whatever the release says of it.
    ///
    /// # Errors
    /// Where helm fails.
    pub(crate) async fn take_back(&mut self, cluster: &Cluster) -> Result<(), Error> {
        let wanted = self.now.clone().unwrap_or_else(|| self.base.clone());
        self.upgrade(cluster, wanted, &["--force-conflicts"]).await
    }

    async fn upgrade(&mut self, cluster: &Cluster, values: Vec<String>, options: &[&str]) -> Result<(), Error> {
        let mut arguments = [&["upgrade", "--install", RELEASE, CHART], options].concat();
        for value in &values {
            arguments.extend(["--set", value]);
        }
        // What is there now is not known if this fails.
        self.now = None;
        cluster.helm(&arguments, seconds(120)).await?;
        self.now = Some(values);
        Ok(())
    }

    /// Brings it to these values and waits until all is as it is to be.
    ///
    /// # Errors
    /// Where helm fails, or it does not come to that in time.
    pub(crate) async fn settle(&mut self, cluster: &Cluster, values: &[Value<'_>]) -> Result<(), Error> {
        self.set(cluster, values).await?;
        complete(cluster).await
    }

    /// Somebody else changed its values: what they are is not known.
    pub(crate) fn forget(&mut self) {
        self.now = None;
    }
}

/// Waits until Kafka, producer, consumers and monitor are all ready.
///
/// # Errors
/// Where they are not in time.
pub(crate) async fn complete(cluster: &Cluster) -> Result<(), Error> {
    kafka_ready(cluster).await?;
    until("monitor, producer and consumer complete", seconds(180), async || {
        // All of them at the same look: one that is there before the others may go again meanwhile.
        let mut missing = Vec::new();
        for name in ["monitor", "producer", "consumer"] {
            let deployment = cluster.deployment(name).await?;
            if !deployment.is_rolled_out() {
                missing.push(deployment.told());
            }
        }
        seen(missing.is_empty(), missing.join("; "))
    })
    .await
}

/// Waits until Kafka is ready.
///
/// # Errors
/// Where it is not within 5 minutes.
pub(crate) async fn kafka_ready(cluster: &Cluster) -> Result<(), Error> {
    until("Kafka ready", seconds(300), async || {
        let kafka: Conditioned = cluster.object("apis/kafka.strimzi.io/v1", "kafkas/lagless").await?;
        let ready = kafka.condition("Ready");
        seen(ready.status == "True", format!("Ready is '{}' {} {}", ready.status, ready.reason, ready.message))
    })
    .await
}
