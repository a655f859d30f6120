//! What is not known changes nothing.

use std::time::Instant;

use super::autoscaling::{self, SYNC};
use crate::cluster::Cluster;
use crate::error::{Error, expect};
use crate::objects::{Conditioned, Pod};
use crate::patience::{Seen, seconds, seen, until};
use crate::release::complete;
use crate::world::{AUDITOR, World};

/// Updates per second while the broker dies.
const RATE: u32 = 30;

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    autoscaling::settle(world).await?;
    autoscaling::burst(world).await?;
    // From here on fewer would do, for whoever could see it.
    unreadable(world).await?;
    monitor_away(world).await?;
    broker_killed(world).await?;
    // What members had not committed when the broker went is done again, and more where they are counted out after it.
    world.audited(AUDITOR, 60 * u64::from(RATE)).await?;
    until("1 consumer again", seconds(150), async || {
        let consumer = world.cluster.deployment("consumer").await?;
        seen(consumer.spec.replicas == 1, consumer.told())
    })
    .await?;
    world.stage.step("the autoscaler goes by the monitor again: 1 consumer");
    Ok(())
}

/// The monitor's rights are taken away: what it asked for last stands.
async fn unreadable(world: &World) -> Result<(), Error> {
    let World { cluster, stage, .. } = world;
    let none = r#"[{"op": "replace", "path": "/spec/authorization/acls", "value":
        [{"operations": ["Describe"], "resource": {"type": "topic", "name": "no-such-topic", "patternType": "literal"}}]}]"#;
    cluster.kubectl(&["patch", "kafkauser/monitor", "--type=json", "--patch", none]).await?;
    world.quiet().await?;
    stage.step("the monitor's rights in Kafka are taken away, and the load ends");
    let mut since = None;
    let sentence = until("the monitor's last answer held for longer than two looks", seconds(120), async || {
        still_three(cluster).await?;
        let plan = cluster.group().await?.plan;
        if plan.reason != "held" {
            since = None;
            return Ok(Seen::NotYet(plan.sentence));
        }
        let held = since.get_or_insert_with(Instant::now).elapsed() > 2 * SYNC;
        Ok(if held { Seen::Yes(plan.sentence) } else { Seen::NotYet(plan.sentence) })
    })
    .await?;
    stage.step("still 3 consumers, two looks of the autoscaler later; the monitor says:");
    stage.detail(sentence);
    Ok(())
}

/// The monitor is gone, and the autoscaler has no number.
async fn monitor_away(world: &mut World) -> Result<(), Error> {
    let World { cluster, stage, release, .. } = world;
    let before = failures(cluster).await?;
    cluster.kubectl(&["scale", "deploy/monitor", "--replicas=0"]).await?;
    stage.step("kubectl scale deploy/monitor --replicas=0");
    let why = until("three looks of the autoscaler without a number", seconds(120), async || {
        still_three(cluster).await?;
        let hpa: Conditioned = cluster.object("apis/autoscaling/v2", "horizontalpodautoscalers/consumer").await?;
        let active = hpa.condition("ScalingActive");
        let failed = failures(cluster).await? - before;
        let enough = failed >= 3 && active.status == "False";
        Ok(if enough { Seen::Yes(active) } else { Seen::NotYet(format!("{failed} failed, {}", active.message)) })
    })
    .await?;
    stage.step("still 3 consumers, three looks of the autoscaler later; it says:");
    stage.detail(format!("{}: {}", why.reason, why.message));
    cluster.kubectl(&["scale", "deploy/monitor", "--replicas=1"]).await?;
    release.take_back(cluster).await?;
    cluster.rolled_out("monitor").await?;
    autoscaling_knows(world).await
}

async fn autoscaling_knows(world: &World) -> Result<(), Error> {
    let cluster = &world.cluster;
    let plan = until("a number from the monitor", seconds(60), async || {
        let plan = cluster.group().await?.plan;
        let knows = plan.replicas.is_some() && plan.reason != "held";
        Ok(if knows { Seen::Yes(plan) } else { Seen::NotYet(plan.sentence) })
    })
    .await?;
    world.stage.step("the monitor is back and may read; it says:");
    world.stage.detail(plan.sentence);
    Ok(())
}

/// The only broker dies under load.
async fn broker_killed(world: &World) -> Result<(), Error> {
    let World { cluster, stage, .. } = world;
    cluster.send(RATE).await?;
    let broker = broker(cluster).await?;
    let killed = Instant::now();
    cluster.kubectl(&["delete", "pod", &broker.metadata.name, "--force", "--grace-period=0"]).await?;
    stage.step(format!("load: {RATE}/s; the broker's pod {} is killed", broker.metadata.name));
    until("another broker pod ready", seconds(180), async || {
        let now = self::broker(cluster).await?;
        seen(now.metadata.uid != broker.metadata.uid && now.is_ready(), now.told())
    })
    .await?;
    stage.step(format!("its successor is ready after {:.1} s", killed.elapsed().as_secs_f64()));
    complete(cluster).await?;
    stage.step(format!("all pods are ready again after {:.1} s", killed.elapsed().as_secs_f64()));
    world.quiet().await?;
    world.drained(seconds(120)).await?;
    stage.step(format!("nothing waits any more, {:.1} s after the kill", killed.elapsed().as_secs_f64()));
    Ok(())
}

async fn broker(cluster: &Cluster) -> Result<Pod, Error> {
    let pods = cluster.pods("strimzi.io/name=lagless-kafka").await?;
    pods.into_iter().next().ok_or_else(|| Error::Answer {
        path: "the broker's pod".to_owned(),
        status: None,
        reason: "there is none".to_owned(),
    })
}

/// How often the autoscaler has not got its metric.
async fn failures(cluster: &Cluster) -> Result<u32, Error> {
    let events = cluster.events("HorizontalPodAutoscaler", "consumer").await?;
    let failed = events.iter().filter(|event| event.reason == "FailedGetExternalMetric");
    Ok(failed.map(|event| event.count.max(1)).sum())
}

async fn still_three(cluster: &Cluster) -> Result<(), Error> {
    let consumer = cluster.deployment("consumer").await?;
    expect(consumer.spec.replicas == 3, "3 replicas as before", consumer.told())
}
