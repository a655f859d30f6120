//! Consumers by hand.

use crate::error::{Error, expect};
use crate::patience::seconds;
use crate::world::{AUDITOR, World, shares_told};

/// Updates per second meanwhile.
const RATE: u32 = 300;

/// Nothing scales but `kubectl scale`.
pub(super) const BY_HAND: &[(&str, &str)] = &[("autoscaling.source", "none")];

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    world.release.settle(&world.cluster, BY_HAND).await?;
    world.stage.step("the autoscaler is off");
    scale(world, 1).await?;
    world.cluster.send(RATE).await?;
    world.stage.step(format!("load: {RATE}/s"));
    scale(world, 3).await?;
    let (count, pauses) = (
        world.cluster.consumers_metric("consumer_rebalances_total", "kind=\"assigned\"").await?,
        world.cluster.consumers_metric("consumer_rebalance_pause_seconds_sum", "").await?,
    );
    world.stage.detail(format!("the consumers count {count} assignments, paused for {pauses:.2} s in all"));
    expect(count >= 3.0, "an assignment counted by each consumer", count)?;
    scale(world, 1).await?;
    world.quiet().await?;
    world.drained(seconds(30)).await?;
    world.audited(AUDITOR, 0).await.map(drop)
}

/// Scales, and waits until the partitions are shared.
///
/// # Errors
/// Where that does not come about.
pub(super) async fn scale(world: &World, consumers: usize) -> Result<(), Error> {
    let replicas = format!("--replicas={consumers}");
    world.cluster.kubectl(&["scale", "deploy/consumer", &replicas]).await?;
    let owned = world.shared(consumers, 3, seconds(90)).await?;
    world.cluster.rolled_out("consumer").await?;
    world.stage.step(format!("kubectl scale deploy/consumer {replicas}: {}", shares_told(&owned)));
    Ok(())
}
