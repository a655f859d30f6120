//! From nothing to every pod ready, in one go.

use crate::error::{Error, expect};
use crate::objects::Conditioned;
use crate::patience::{seconds, seen, until};
use crate::pods;
use crate::release;
use crate::world::{AUDITOR, World};

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    world.release.set(&world.cluster, &[]).await?;
    world.stage.step("helm install is back");
    let cluster = &world.cluster;
    cluster.apply(&[pods::policy()]).await?;
    release::kafka_ready(cluster).await?;
    world.stage.step("Kafka is ready");
    release::complete(cluster).await?;
    let pods = cluster.pods("").await?;
    let told: Vec<_> = pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
    let restarts = cluster.restarts().await?;
    expect(restarts.is_empty(), "no pod that was started again", format!("{restarts:?}"))?;
    world.stage.step(format!("all {} pods are ready, and none was started again", pods.len()));
    world.stage.detail(told.join("  "));
    until("the external metrics API available", seconds(60), async || {
        let path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io";
        let api: Conditioned = cluster.proxy.get(path).await?;
        let available = api.condition("Available");
        seen(available.status == "True", format!("{} {}", available.reason, available.message))
    })
    .await?;
    world.stage.step("the external metrics API is available");
    autoscaler_active(world).await?;
    world.audit(AUDITOR, "stocks").await?;
    world.stage.step("the auditor is there");
    Ok(())
}

/// Waits until the autoscaler goes by its metric.
///
/// # Errors
/// Where it does not within 90 seconds.
pub(super) async fn autoscaler_active(world: &World) -> Result<(), Error> {
    until("an autoscaler that knows its metric", seconds(90), async || {
        let hpa: Conditioned = world.cluster.object("apis/autoscaling/v2", "horizontalpodautoscalers/consumer").await?;
        let active = hpa.condition("ScalingActive");
        seen(active.status == "True", format!("{} {}", active.reason, active.message))
    })
    .await?;
    world.stage.step("the autoscaler goes by the monitor's number");
    Ok(())
}
