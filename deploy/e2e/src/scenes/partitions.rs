//! Many partitions.

use super::autoscaling::SYNC;
use super::install::autoscaler_active;
use crate::error::{Error, expect};
use crate::patience::seconds;
use crate::timeline::{Look, Timeline};
use crate::world::World;

/// The numbers of consumers that make the largest share of 12 partitions smaller.
const MENU: [u32; 6] = [1, 2, 3, 4, 6, 12];

/// One consumer takes 100 ms for an update, so 10/s: of 12 partitions this takes all twelve.
const BURST: u32 = 80;

/// Twelve consumers may be too much for a small machine: one whose heartbeats stay away for 6 s is counted out, and
/// what it has not committed is done again.
const MOST_TWICE: u64 = 12 * BURST as u64;

/// The auditor of the topic.
const AUDITOR: &str = "audit-12";

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    let values = [
        ("topics.updates.name", "stocks-12"),
        ("topics.updates.partitions", "12"),
        ("topics.output.name", "stocks-12-processed"),
        ("topics.deadLetters.name", "stocks-12-dead-letters"),
        ("producer.symbols", "240"),
        ("producer.updates", "100"),
        ("consumer.work", "100ms"),
        ("consumer.workers", "1"),
        ("consumer.resources.requests.cpu", "10m"),
        ("consumer.resources.requests.memory", "32Mi"),
        ("monitor.planner.shrinkAfter", "10s"),
        ("autoscaling.scaleDownAfterSeconds", "15"),
    ];
    world.release.settle(&world.cluster, &values).await?;
    autoscaler_active(world).await?;
    world.audit(AUDITOR, "stocks-12").await?;
    let World { cluster, stage, .. } = &*world;
    let mut timeline = Timeline::begin();
    timeline.until(cluster, "no lag", seconds(60), |look| look.lag == Some(0), by_the_menu).await?;
    stage.step("a topic of 12 partitions, with maxReplicas by default; consumers that do 10 updates/s each");
    cluster.send(BURST).await?;
    stage.step(format!("load: {BURST}/s"));
    timeline.until(cluster, "12 replicas", seconds(120), |look| look.replicas == 12, by_the_menu).await?;
    timeline.until(cluster, "12 ready", seconds(120), |look| look.ready == 12, by_the_menu).await?;
    world.shared(12, 12, seconds(60)).await?;
    stage.step("12 consumers, each with one partition");
    world.quiet().await?;
    timeline.until(cluster, "no lag", 8 * SYNC, |look| look.lag == Some(0), by_the_menu).await?;
    stage.step("nothing waits any more");
    timeline.until(cluster, "fewer replicas", seconds(120), |look| look.replicas < 12, by_the_menu).await?;
    timeline.tell(cluster, stage).await?;
    let course: Vec<_> = timeline.desired().iter().map(ToString::to_string).collect();
    stage.detail(format!("the monitor asked for {}", course.join(", ")));
    world.audited(AUDITOR, MOST_TWICE).await.map(drop)
}

fn by_the_menu(look: &Look) -> Result<(), Error> {
    let holds = look.replicas <= 12 && look.desired.is_none_or(|desired| MENU.contains(&desired));
    expect(holds, "1, 2, 3, 4, 6 or 12 consumers", format!("{look:?}"))
}
