//! A consumer ends in the middle of its work.

use std::time::Instant;

use super::scaling::{BY_HAND, scale};
use crate::error::{Error, expect};
use crate::patience::{Seen, seconds, seen, until};
use crate::services::Route;
use crate::world::{AUDITOR, World, shares_told};

/// Updates per second meanwhile.
const RATE: u32 = 300;

/// Another consumer has to have the partition by then.
const MOST_SECONDS: f64 = 10.0;

/// What the kubelet leaves a pod that is deleted by force.
const GRACE_SECONDS: f64 = 2.0;

/// As many updates as keep every symbol's lane at work for longer than that, and for more than one update.
const LONG_UPDATES: u32 = 36;

/// One of them takes so long.
const LONG_WORK: &str = "6s";

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    leaves(world).await?;
    is_cut_off(world).await
}

/// With what is left to it it hands its partitions over.
async fn leaves(world: &mut World) -> Result<(), Error> {
    world.release.settle(&world.cluster, BY_HAND).await?;
    scale(world, 3).await?;
    world.cluster.send(RATE).await?;
    world.stage.step(format!("load: {RATE}/s"));
    let took = delete(world, &owner(world).await?).await?;
    expect(took < MOST_SECONDS, "another owner within 10 s", format!("{took:.1} s"))?;
    world.shared(3, 3, seconds(60)).await?;
    world.stage.step("3 consumers share the partitions again");
    world.quiet().await?;
    world.drained(seconds(60)).await?;
    // What it had finished since its last commit, a second before, is done again where it did not get to leave.
    world.audited(AUDITOR, 2 * u64::from(RATE)).await.map(drop)
}

/// In the middle of work that takes longer than what is left to it, it is killed: nobody knows until its session ends.
async fn is_cut_off(world: &mut World) -> Result<(), Error> {
    let slow = [("consumer.work", LONG_WORK), ("consumer.drainTimeoutSeconds", "10")];
    world.release.settle(&world.cluster, &[BY_HAND, &slow].concat()).await?;
    scale(world, 3).await?;
    world.cluster.send_only(LONG_UPDATES, RATE).await?;
    let owner = owner(world).await?;
    until("an update in work", seconds(30), async || {
        let in_work = world.cluster.consumer_metric(&owner.name, "consumer_in_flight", "").await?;
        seen(in_work > 0.0, "none")
    })
    .await?;
    world.stage.step(format!("{LONG_UPDATES} updates that take {LONG_WORK} each"));
    let took = delete(world, &owner).await?;
    let is_cut_off = took > 2.0 * GRACE_SECONDS;
    expect(is_cut_off, "an owner that ends without leaving, and a session to wait for", format!("{took:.1} s"))?;
    let in_time = took < GRACE_SECONDS + MOST_SECONDS;
    expect(in_time, "another owner within 10 s of its end", format!("{took:.1} s"))?;
    world.drained(seconds(120)).await?;
    world.audited(AUDITOR, u64::from(LONG_UPDATES)).await.map(drop)
}

/// The consumer that has GOOGL's partition.
struct Owner {
    name: String,
    partition: i32,
}

async fn owner(world: &World) -> Result<Owner, Error> {
    until("an owner of GOOGL's partition", seconds(30), async || {
        let route = world.cluster.routing().await?.into_iter().find(|route| route.symbol == "GOOGL");
        let Some(Route { partition, .. }) = route else { return Ok(Seen::NotYet("no update of it".to_owned())) };
        let owned = world.cluster.owned().await?;
        let owner = owned.iter().find(|(_, partitions)| partitions.contains(&partition));
        Ok(match owner {
            Some((name, _)) => Seen::Yes(Owner { name: name.clone(), partition }),
            None => Seen::NotYet(shares_told(&owned)),
        })
    })
    .await
}

/// Deletes it by force, and returns after how many seconds another has its partition.
async fn delete(world: &World, Owner { name, partition }: &Owner) -> Result<f64, Error> {
    let World { cluster, stage, .. } = world;
    let deleted = Instant::now();
    cluster.kubectl(&["delete", "pod", name, "--force", "--grace-period=0"]).await?;
    stage.step(format!("{name}, which has GOOGL's partition {partition}, is deleted by force"));
    let heir = until("another owner of the partition", seconds(60), async || {
        let owned = cluster.owned().await?;
        let heir = owned.into_iter().find(|(other, partitions)| other != name && partitions.contains(partition));
        Ok(heir.map_or(Seen::NotYet("nobody has it".to_owned()), |(heir, _)| Seen::Yes(heir)))
    })
    .await?;
    let took = deleted.elapsed().as_secs_f64();
    stage.step(format!("{took:.1} s later {heir} has partition {partition}"));
    Ok(took)
}
