//! Changes under load.

use super::scaling::{BY_HAND, scale};
use crate::error::{Error, expect};
use crate::patience::{Seen, seconds, until};
use crate::release::{RELEASE, complete};
use crate::world::{AUDITOR, World};

/// Updates per second meanwhile.
const RATE: u32 = 100;

/// No update may wait longer: a graceful change moves partitions in less than a second, and the monitor's figure is up
/// to three seconds old.
const MOST_DELAY: f64 = 10.0;

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    world.release.settle(&world.cluster, BY_HAND).await?;
    scale(world, 3).await?;
    world.cluster.send(RATE).await?;
    world.stage.step(format!("load: {RATE}/s"));
    let (consumer, monitor) = (world.next_image("consumer"), world.next_image("monitor"));
    let images = [("consumer.image", consumer.as_str()), ("monitor.image", monitor.as_str())];
    let changed = [BY_HAND, &[("consumer.work", "2ms"), ("consumer.lanes", "16")], &images].concat();
    world.release.set(&world.cluster, &changed).await?;
    let worst = rolled(world).await?;
    world.stage.step(format!("helm upgrade to other images, work and lanes: the longest delay was {worst:.1} s"));
    world.release.forget();
    world.cluster.helm(&["rollback", RELEASE], seconds(120)).await?;
    let worst = rolled(world).await?;
    world.stage.step(format!("helm rollback: the longest delay was {worst:.1} s"));
    world.quiet().await?;
    world.drained(seconds(60)).await?;
    world.audited(AUDITOR, 0).await.map(drop)
}

/// Watches the longest delay until the consumers are all new.
async fn rolled(world: &World) -> Result<f64, Error> {
    let cluster = &world.cluster;
    let mut worst = 0.0_f64;
    until("the consumers replaced", seconds(180), async || {
        if let Ok(group) = cluster.group().await {
            worst = worst.max(group.delay_seconds.unwrap_or(0.0));
        }
        expect(worst < MOST_DELAY, "no update that waits for 10 s", format!("{worst:.1} s"))?;
        let consumer = cluster.deployment("consumer").await?;
        Ok(if consumer.is_rolled_out() { Seen::Yes(()) } else { Seen::NotYet(consumer.told()) })
    })
    .await?;
    world.shared(3, 3, seconds(60)).await?;
    complete(cluster).await?;
    Ok(worst)
}
