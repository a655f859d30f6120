//! Who may not do what.

use crate::cluster::Cluster;
use crate::error::{Error, expect};
use crate::patience::seconds;
use crate::pods::{Identity, TestPod};
use crate::services::GROUP;
use crate::world::{AUDITOR, World};

/// A pod that tries what it must not, and how its log tells that it could not.
struct Attempt {
    about: &'static str,
    name: &'static str,
    image: &'static str,
    identity: Identity<'static>,
    is_let_through: bool,
    refusal: Refusal,
}

/// How a log tells that its pod was refused.
#[derive(Clone, Copy)]
enum Refusal {
    /// In these words.
    Told(&'static str),
    /// Kafka has been away from it for longer than a start takes.
    Away,
}

impl Refusal {
    fn is_told_by(self, line: &str) -> bool {
        match self {
            Self::Told(words) => line.to_lowercase().contains(words),
            Self::Away => away_seconds(line).is_some_and(|seconds| seconds > 10.0),
        }
    }
}

/// The number in: Kafka is away for 31.4 s
fn away_seconds(line: &str) -> Option<f64> {
    line.split_once("Kafka is away for ")?.1.split(' ').next()?.parse().ok()
}

const ATTEMPTS: [Attempt; 5] = [
    Attempt {
        about: "the producer's user cannot read",
        name: "try-read",
        image: "audit",
        identity: Identity::User("producer"),
        is_let_through: true,
        refusal: Refusal::Told("authorization failed"),
    },
    Attempt {
        about: "the consumer's user cannot write to stocks",
        name: "try-write",
        image: "producer",
        identity: Identity::User("consumer"),
        is_let_through: true,
        refusal: Refusal::Told("authorization failed"),
    },
    Attempt {
        about: "a wrong password opens nothing",
        name: "try-password",
        image: "producer",
        identity: Identity::Impostor("producer"),
        is_let_through: true,
        refusal: Refusal::Told("authentication failed"),
    },
    Attempt {
        about: "nobody gets in without credentials",
        name: "try-nobody",
        image: "producer",
        identity: Identity::Nobody,
        is_let_through: true,
        refusal: Refusal::Away,
    },
    Attempt {
        about: "a pod that no policy lets through reaches nothing",
        name: "try-outside",
        image: "producer",
        identity: Identity::User("producer"),
        is_let_through: false,
        refusal: Refusal::Away,
    },
];

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    world.release.settle(&world.cluster, &[]).await?;
    world.quiet().await?;
    world.audited(AUDITOR, 0).await?;
    let namespace = &world.cluster.namespace;
    let pods: Vec<_> = ATTEMPTS
        .iter()
        .map(|attempt| {
            let pod = TestPod {
                name: attempt.name,
                image: &world.image(attempt.image),
                identity: attempt.identity,
                is_let_through: attempt.is_let_through,
                env: &[("UPDATES", "10"), ("STAY", "true"), ("CLIENT_ID", attempt.name), ("PATIENCE", "0s")],
            };
            pod.manifest(namespace)
        })
        .collect();
    world.cluster.apply(&pods).await?;
    for attempt in &ATTEMPTS {
        let line = world
            .cluster
            .logged(attempt.name, &format!("a refusal of {}", attempt.name), seconds(90), |line| {
                attempt.refusal.is_told_by(line)
            })
            .await?;
        world.stage.step(attempt.about);
        world.stage.detail(message(&line));
    }
    let names: Vec<_> = ATTEMPTS.iter().map(|attempt| attempt.name).collect();
    world.cluster.kubectl(&[&["delete", "pod", "--now"], names.as_slice()].concat()).await?;
    metrics_api(world).await?;
    let since = world.audited(AUDITOR, 0).await?;
    expect(since.sent == 0, "nothing written by any of them", since.sent)?;
    world.stage.step("none of them wrote anything");
    Ok(())
}

/// The metrics API answers the API server alone, and that asks who wants to know.
async fn metrics_api(world: &World) -> Result<(), Error> {
    let World { cluster, stage, .. } = world;
    let namespace = &cluster.namespace;
    let metric = format!(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/desired_consumers?labelSelector=group%3D{GROUP}"
    );
    let value = cluster.kubectl(&["get", "--raw", &metric]).await?;
    expect(value.contains("\"desired_consumers\""), "the metric through the API server", &value)?;
    stage.step("the metrics API answers who asks the API server and may");
    let direct = format!("/api/v1/namespaces/{namespace}/services/https:monitor:metrics-api/proxy{metric}");
    refused(cluster, &direct, 401).await?;
    stage.step("it refuses a direct call with 401");
    let stranger = format!("--as=system:serviceaccount:{namespace}:default");
    let asked = cluster.kubectl(&["get", "--raw", &metric, &stranger]).await;
    let told = match asked {
        Err(Error::Command { how, .. }) if how.to_lowercase().contains("forbidden") => how,
        other => {
            return Err(Error::Broken(format!("expected the API server to refuse a stranger; there is: {other:?}")));
        }
    };
    stage.step("and the API server refuses an account without rights");
    stage.detail(told.lines().next().unwrap_or_default());
    Ok(())
}

async fn refused(cluster: &Cluster, path: &str, expected: u16) -> Result<(), Error> {
    match cluster.proxy.text(path).await {
        Err(Error::Answer { status: Some(status), .. }) if status == expected => Ok(()),
        other => Err(Error::Broken(format!("expected {path} to answer {expected}; there is: {other:?}"))),
    }
}

/// What a line of a log says: they are JSON.
fn message(line: &str) -> String {
    let object: Option<serde_json::Value> = serde_json::from_str(line).ok();
    let told = object.as_ref().and_then(|object| object.get("message")?.as_str());
    told.unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_without_kafka_is_no_refusal() {
        assert!(!Refusal::Away.is_told_by("Kafka is away for 1.1 s: no broker answers; trying on"));
        assert!(Refusal::Away.is_told_by("Kafka is away for 31.2 s: no broker answers; trying on"));
        assert!(!Refusal::Away.is_told_by("Kafka is back after 31.2 s"));
    }
}
