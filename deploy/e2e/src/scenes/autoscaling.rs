//! The autoscaler, which follows the monitor.

use std::time::Duration;

use super::install::autoscaler_active;
use crate::error::{Error, expect};
use crate::patience::seconds;
use crate::timeline::{Look, Timeline};
use crate::world::{AUDITOR, World};

/// What one of these consumers does in a second: one update after the other, 20 ms each.
const CAPACITY: u32 = 50;

/// More than one can take, and what three can at 80 %.
const BURST: u32 = 90;

/// How often the autoscaler looks: the controller manager's default.
pub(super) const SYNC: Duration = seconds(15);

/// The monitor's `TARGET_DELAY`.
const TARGET: Duration = seconds(10);

/// How old what is seen of lag may be: the monitor reads every 2 s what consumers commit every second.
const STALE: Duration = seconds(3);

/// Consumers with a limit, and an autoscaler that goes down sooner than by default.
pub(super) async fn settle(world: &mut World) -> Result<(), Error> {
    // What an installation sends by itself would keep a slow consumer busy for minutes.
    world.quiet().await?;
    world.drained(seconds(60)).await?;
    let values = [
        ("consumer.work", "20ms"),
        ("consumer.workers", "1"),
        ("monitor.planner.shrinkAfter", "10s"),
        ("autoscaling.scaleDownAfterSeconds", "15"),
    ];
    world.release.settle(&world.cluster, &values).await?;
    world.stage.step(format!("consumers that do {CAPACITY} updates/s each, one after the other"));
    autoscaler_active(world).await?;
    let mut calm = Timeline::begin();
    calm.until(&world.cluster, "1 consumer and no lag", seconds(180), is_calm, |_| Ok(())).await?;
    Ok(())
}

pub(super) async fn play(world: &mut World) -> Result<(), Error> {
    settle(world).await?;
    let mut timeline = burst(world).await?;
    let World { cluster, stage, .. } = &*world;
    world.quiet().await?;
    let ended = timeline.until(cluster, "a look", TARGET, |_| true, at_most_three).await?;
    let drained = timeline.until(cluster, "no lag", seconds(60), |look| look.lag == Some(0), at_most_three).await?;
    let took = drained.saturating_sub(ended);
    stage.step(format!("the burst is over, and {:.1} s later nothing waits any more", took.as_secs_f64()));
    timeline.until(cluster, "1 consumer again", seconds(150), is_calm, at_most_three).await?;
    stage.step("1 consumer again");
    timeline.tell(cluster, stage).await?;
    stage.detail(format!("the longest delay was {:.1} s", timeline.worst_delay()));
    expect(took <= TARGET + STALE, "all drained within the target of 10 s", format!("{:.1} s", took.as_secs_f64()))?;
    world.audited(AUDITOR, 0).await.map(drop)
}

/// Sends more than one consumer can take until there are three that share it.
///
/// # Errors
/// Where the autoscaler does not get there within two of its looks.
pub(super) async fn burst(world: &World) -> Result<Timeline, Error> {
    let World { cluster, stage, .. } = world;
    let mut timeline = Timeline::begin();
    cluster.send(BURST).await?;
    stage.step(format!("load: {BURST}/s"));
    timeline.until(cluster, "3 replicas", seconds(90), |look| look.replicas == 3, at_most_three).await?;
    // As much as waits for a single consumer to look back for two seconds.
    let rose = timeline.first(|look| look.lag.is_some_and(|lag| lag >= 2 * u64::from(CAPACITY))).unwrap_or_default();
    let asked = timeline.first(|look| look.desired == Some(3)).unwrap_or_default();
    let scaled = timeline.first(|look| look.replicas == 3).unwrap_or_default();
    let after = |time: Duration| time.saturating_sub(rose).as_secs_f64();
    stage.step(format!(
        "lag rose after {:.1} s; {:.1} s later the monitor asks for 3 consumers, {:.1} s later the autoscaler has set 3",
        rose.as_secs_f64(),
        after(asked),
        after(scaled)
    ));
    let in_time = scaled.saturating_sub(rose) <= 2 * SYNC;
    expect(in_time, "3 replicas within two looks of the autoscaler, 30 s", format!("{:.1} s", after(scaled)))?;
    timeline.until(cluster, "3 ready", seconds(90), |look| look.ready == 3, at_most_three).await?;
    world.shared(3, 3, seconds(60)).await?;
    let capacity = cluster.group().await?.capacity;
    let learned = capacity.map_or("nothing yet".to_owned(), |capacity| format!("{capacity:.0}/s"));
    stage.step(format!("3 consumers share the partitions; the monitor has learned that one does {learned}"));
    Ok(timeline)
}

fn is_calm(look: &Look) -> bool {
    (look.lag, look.desired, look.replicas, look.ready) == (Some(0), Some(1), 1, 1)
}

fn at_most_three(look: &Look) -> Result<(), Error> {
    let holds = look.replicas <= 3 && look.desired.is_none_or(|desired| desired <= 3);
    expect(holds, "never more consumers than the 3 partitions", format!("{look:?}"))
}
