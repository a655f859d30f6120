//! The end of the release.

use crate::cleanup::{leftovers, uninstall};
use crate::error::{Error, expect};
use crate::patience::{seconds, seen, until};
use crate::world::World;

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    let cluster = &world.cluster;
    cluster.kubectl(&["delete", "pod", "--wait=false", "--selector", "lagless-e2e/kafka"]).await?;
    cluster.kubectl(&["delete", "networkpolicy/e2e", "--wait=false"]).await?;
    uninstall(cluster).await?;
    world.release.forget();
    world.stage.step("helm uninstall");
    until("nothing but claims", seconds(120), async || {
        let left = leftovers(cluster).await?;
        let others: Vec<_> = left.iter().filter(|name| !name.starts_with("persistentvolumeclaim/")).collect();
        seen(others.is_empty(), format!("{others:?}"))
    })
    .await?;
    let claims = leftovers(cluster).await?;
    world.stage.step(format!("what is left: {}", claims.join(", ")));
    expect(claims.len() == 1, "the claim of the one broker", format!("{claims:?}"))
}
