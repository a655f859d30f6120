//! The updates of a fresh installation.

use std::collections::BTreeMap;

use crate::error::{Error, expect};
use crate::patience::{Seen, seconds, until};
use crate::release::RELEASE;
use crate::stage::number;
use crate::world::{AUDITOR, World};

/// As many as the chart's producer sends by default.
const UPDATES: u64 = 10_000;

/// What murmur2 says of these symbols over 3 partitions, known from Kafka's own client.
const KNOWN: [(&str, i32); 3] = [("AAPL", 0), ("GOOGL", 1), ("AMZN", 2)];

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    let cluster = &world.cluster;
    let load = until("10,000 updates sent", seconds(120), async || {
        let load = cluster.load().await?;
        Ok(if load.running { Seen::NotYet(format!("{load:?}")) } else { Seen::Yes(load) })
    })
    .await?;
    let all = load.acknowledged == UPDATES && load.failed == 0;
    expect(all, "10,000 updates acknowledged by Kafka", format!("{load:?}"))?;
    world.stage.step(format!("{} updates are sent and acknowledged", number(load.acknowledged)));
    let routes = cluster.routing().await?;
    for (symbol, partition) in KNOWN {
        let is_there = routes.iter().any(|route| route.symbol == symbol && route.partition == partition);
        expect(is_there, &format!("{symbol} in partition {partition}"), format!("{routes:?}"))?;
    }
    let mut symbols = BTreeMap::<i32, Vec<&str>>::new();
    for route in &routes {
        symbols.entry(route.partition).or_default().push(&route.symbol);
    }
    for (partition, symbols) in &symbols {
        world.stage.detail(format!("partition {partition}: {}", symbols.join(" ")));
    }
    world.drained(seconds(60)).await?;
    world.stage.step("the monitor sees no lag");
    let account = world.audited(AUDITOR, 0).await?;
    expect(account.sent == UPDATES, "10,000 updates in the topic", account.sent)?;
    world.cluster.helm(&["test", RELEASE, "--timeout", "4m"], seconds(250)).await?;
    world.stage.step("helm test");
    Ok(())
}
