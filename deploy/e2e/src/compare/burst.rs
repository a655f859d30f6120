//! One burst, watched.

use std::time::Duration;

use serde_json::Value;

use super::HPA_PERIOD;
use super::figures::{Figures, Untimed};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::patience::{Seen, seconds, until};
use crate::timeline::{Timeline, parse_ms};
use crate::world::{AUDITOR, World};

/// Updates per second before and after: what one consumer takes with some to spare.
const BASE: u32 = 30;

/// Updates per second of the burst: what three can take.
const BURST: u32 = 120;

/// So many consumers can.
const ENOUGH: u32 = 3;

/// How long the burst lasts.
const LASTS: Duration = seconds(60);

/// How long all of it is watched, from the burst's beginning.
const WATCHED: Duration = seconds(240);

/// So many consumers for so long will stay as many.
const UNCHANGED: Duration = seconds(90);

/// How long they may take to become so few.
const PATIENCE: Duration = seconds(300);

/// As much as waits for a single consumer to look back for two seconds.
const RISEN: u64 = 100;

/// Older than this is nothing that waits for its turn as always: members commit every second, and the monitor looks
/// every two.
const USUAL_SECONDS: f64 = 3.0;

/// Waits until the monitor has learned what one consumer does, as it would have in a cluster that runs for a while.
///
/// # Errors
/// Where it does not.
pub(super) async fn learn(world: &World) -> Result<(), Error> {
    world.cluster.send(BURST).await?;
    let capacity = until("a capacity that is known", seconds(180), async || {
        let group = world.cluster.group().await?;
        Ok(group.capacity.map_or_else(|| Seen::NotYet(group.plan.sentence), Seen::Yes))
    })
    .await?;
    world.stage.step(format!("one consumer does {capacity:.0}/s, the monitor has learned"));
    world.quiet().await?;
    world.drained(seconds(300)).await
}

/// Plays a burst that begins this long after the autoscaler looked.
///
/// # Errors
/// Where it cannot be watched, or an update is lost.
pub(super) async fn measure(world: &mut World, phase: Duration) -> Result<Figures, Error> {
    world.cluster.send(BASE).await?;
    let before = calm(world).await?;
    let cluster = &world.cluster;
    let looked_ms = looked_ms(cluster).await?;
    let since = Duration::from_millis(cluster.group().await?.at_ms.saturating_sub(looked_ms));
    Timeline::begin().watch(cluster, until_phase(since, phase)).await?;
    // The cluster's clock, for it is compared with what monitor and broker say.
    let since_ms = cluster.group().await?.at_ms;
    let mut timeline = Timeline::begin();
    cluster.send(BURST).await?;
    timeline.watch(cluster, LASTS).await?;
    cluster.send(BASE).await?;
    let ended = timeline.elapsed();
    timeline.watch(cluster, WATCHED.saturating_sub(ended)).await?;
    let risen = timeline.first(|look| look.lag.is_some_and(|lag| lag >= RISEN)).unwrap_or_default();
    let third = timeline.first(|look| look.ready >= ENOUGH);
    let reaction = match third {
        _ if before >= ENOUGH => Err(Untimed::AlreadyThere),
        Some(third) => Ok(third.saturating_sub(risen)),
        None => Err(Untimed::Never),
    };
    let drained = timeline.first_after(ended, |look| look.delay_seconds.is_some_and(|delay| delay < USUAL_SECONDS));
    let rebalances = cluster.rebalances_since(since_ms).await?;
    let replica_seconds = timeline.replica_seconds();
    world.quiet().await?;
    world.drained(seconds(120)).await?;
    let account = world.cluster.account_since(AUDITOR, since_ms).await?;
    if account.lost > 0 || account.order_violations > 0 {
        return Err(Error::Broken(format!("expected nothing lost and nothing out of order; there is: {account:?}")));
    }
    let delays = account.delays.ok_or_else(|| Error::Broken("expected processed updates; there are none".into()))?;
    let figures = Figures {
        reaction,
        drain: drained.map(|drained| drained.saturating_sub(ended)).ok_or(Untimed::Never),
        p99: Duration::from_millis(delays.p99_ms),
        worst: Duration::from_millis(delays.worst_ms),
        rebalances,
        replica_seconds,
    };
    world.stage.step(format!("a burst {:.1} s after the autoscaler looked: {figures:?}", phase.as_secs_f64()));
    timeline.tell(&world.cluster, &world.stage).await?;
    Ok(figures)
}

/// When the autoscaler is last known to have looked, in milliseconds since 1970. What it notes, it notes while it does so,
/// and it begins to look when it is made.
async fn looked_ms(cluster: &Cluster) -> Result<u64, Error> {
    let autoscalers: Value = serde_json::from_str(&cluster.kubectl(&["get", "hpa", "-o", "json"]).await?)
        .map_err(|error| Error::Broken(format!("kubectl get hpa: {error}")))?;
    let one = &autoscalers["items"][0];
    let conditions = one["status"]["conditions"].as_array().into_iter().flatten();
    let notes = conditions.map(|condition| &condition["lastTransitionTime"]);
    let notes = notes.chain([&one["metadata"]["creationTimestamp"], &one["status"]["lastScaleTime"]]);
    let latest = notes.filter_map(|note| parse_ms(note.as_str()?)).max();
    latest.ok_or_else(|| Error::Broken("expected a HorizontalPodAutoscaler; there is none".to_owned()))
}

/// How long to wait until the autoscaler's last look lies that far back, where it looked so long ago.
fn until_phase(since: Duration, phase: Duration) -> Duration {
    let (since, phase, period) = (since.as_millis(), phase.as_millis(), HPA_PERIOD.as_millis());
    let wait = (phase + period - since % period) % period;
    Duration::from_millis(u64::try_from(wait).unwrap_or_default())
}

/// Waits until one consumer does it all, or as few as this way to scale will have, and returns how many these are.
async fn calm(world: &World) -> Result<u32, Error> {
    let mut timeline = Timeline::begin();
    timeline.watch(&world.cluster, seconds(20)).await?;
    let last = loop {
        timeline.watch(&world.cluster, seconds(1)).await?;
        let last = timeline.last().ok_or_else(|| Error::Broken("nothing was seen".into()))?;
        // A threshold may be so low that it never comes to one: then what stays the same for a while is calm, and where
        // nothing does, it is as calm as it gets.
        let is_low = last.replicas == 1 || timeline.unchanged() >= UNCHANGED || timeline.elapsed() >= PATIENCE;
        let keeps_up = last.delay_seconds.is_some_and(|delay| delay < USUAL_SECONDS);
        if is_low && keeps_up && last.ready == last.replicas {
            break last;
        }
        if timeline.elapsed() >= 2 * PATIENCE {
            return Err(Error::Broken(format!(
                "expected consumers that keep up with {BASE}/s; the last seen: {last:?}"
            )));
        }
    };
    let is_steady = last.replicas == 1 || timeline.unchanged() >= UNCHANGED;
    let how = if is_steady { "" } else { ", and never for long as many" };
    world.stage.step(format!("{BASE}/s: {} consumers{how}", last.replicas));
    Ok(last.replicas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_begins_at_its_place_in_the_autoscalers_period() {
        for (since, phase, wait) in [(0, 0, 0), (15, 0, 0), (46, 0, 14), (46, 5, 4), (50, 5, 0), (56, 10, 14)] {
            assert_eq!(until_phase(seconds(since), seconds(phase)), seconds(wait), "{since} {phase}");
        }
    }
}
