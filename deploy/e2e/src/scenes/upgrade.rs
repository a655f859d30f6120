//! Changes under load.

use super::scaling::{BY_HAND, scale};
use crate::error::{Error, expect};
use crate::patience::seconds;
use crate::release::{RELEASE, complete};
use crate::stage::number;
use crate::world::{AUDITOR, World};

/// Updates per second meanwhile.
const RATE: u32 = 100;

/// No update may take longer: a graceful change moves partitions in less than a second.
const MOST_MS: u64 = 10_000;

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    world.release.settle(&world.cluster, BY_HAND).await?;
    scale(world, 3).await?;
    world.cluster.send(RATE).await?;
    world.stage.step(format!("load: {RATE}/s"));
    let (before, since_ms) = (image(world).await?, world.cluster.group().await?.at_ms);
    let (consumer, monitor) = (world.next_image("consumer"), world.next_image("monitor"));
    let images = [("consumer.image", consumer.as_str()), ("monitor.image", monitor.as_str())];
    let changed = [BY_HAND, &[("consumer.work", "2ms"), ("consumer.lanes", "16")], &images].concat();
    world.release.set(&world.cluster, &changed).await?;
    rolled(world, &consumer).await?;
    world.stage.step(format!("helm upgrade to {consumer} and other work and lanes"));
    world.release.forget();
    world.cluster.helm(&["rollback", RELEASE], seconds(120)).await?;
    rolled(world, &before).await?;
    world.stage.step(format!("helm rollback to {before}"));
    world.quiet().await?;
    world.drained(seconds(60)).await?;
    world.audited(AUDITOR, 0).await?;
    let account = world.cluster.account_since(AUDITOR, since_ms).await?;
    let worst_ms = account.delays.as_ref().map_or(0, |delays| delays.worst_ms);
    world.stage.step(format!(
        "of {} updates sent meanwhile the slowest took {} ms",
        number(account.sent),
        number(worst_ms)
    ));
    expect(account.sent > 0 && worst_ms < MOST_MS, "updates that take less than 10 s", format!("{account:?}"))
}

/// What the consumers are to run.
async fn image(world: &World) -> Result<String, Error> {
    let path = "jsonpath={.spec.template.spec.containers[0].image}";
    world.cluster.kubectl(&["get", "deploy/consumer", "-o", path]).await
}

/// Waits until the consumers are all new and run this image.
async fn rolled(world: &World, expected: &str) -> Result<(), Error> {
    let image = image(world).await?;
    expect(image == expected, &format!("consumers that run {expected}"), image)?;
    world.cluster.rolled_out("consumer").await?;
    world.shared(3, 3, seconds(60)).await?;
    complete(&world.cluster).await
}
