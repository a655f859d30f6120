//! A consumer is killed in the middle of its work.

use std::time::Instant;

use super::scaling::{BY_HAND, scale};
use crate::error::{Error, expect};
use crate::patience::{Seen, seconds, until};
use crate::world::{AUDITOR, World};

/// Updates per second meanwhile.
const RATE: u32 = 300;

/// Another consumer has to have the partition by then.
const MOST_SECONDS: f64 = 10.0;

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    world.release.settle(&world.cluster, BY_HAND).await?;
    scale(world, 3).await?;
    world.cluster.send(RATE).await?;
    let cluster = &world.cluster;
    let partition = until("GOOGL's partition", seconds(30), async || {
        let route = cluster.routing().await?.into_iter().find(|route| route.symbol == "GOOGL");
        Ok(route.map_or(Seen::NotYet("no update of it".to_owned()), |route| Seen::Yes(route.partition)))
    })
    .await?;
    let owned = cluster.owned().await?;
    let victim = owned.iter().find(|(_, partitions)| partitions.contains(&partition)).map(|(name, _)| name.clone());
    let Some(victim) = victim else {
        return Err(Error::Broken(format!("expected an owner of partition {partition}; there is: {owned:?}")));
    };
    world.stage.step(format!("load: {RATE}/s; GOOGL's partition {partition} is with {victim}"));
    let killed = Instant::now();
    cluster.kubectl(&["delete", "pod", &victim, "--force", "--grace-period=0"]).await?;
    let heir = until("another owner of GOOGL's partition", seconds(60), async || {
        let owned = cluster.owned().await?;
        let heir = owned.into_iter().find(|(name, partitions)| *name != victim && partitions.contains(&partition));
        Ok(heir.map_or(Seen::NotYet("nobody has it".to_owned()), |(name, _)| Seen::Yes(name)))
    })
    .await?;
    let took = killed.elapsed().as_secs_f64();
    world.stage.step(format!("killed it; {took:.1} s later {heir} has partition {partition}"));
    expect(took < MOST_SECONDS, "another owner within 10 s", format!("{took:.1} s"))?;
    world.shared(3, 3, seconds(60)).await?;
    world.stage.step("3 consumers share the partitions again");
    world.quiet().await?;
    world.drained(seconds(60)).await?;
    // What it had finished since its last commit, a second before, is done again.
    world.audited(AUDITOR, 2 * u64::from(RATE)).await.map(drop)
}
