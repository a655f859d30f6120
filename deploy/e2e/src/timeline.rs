//! What monitor and autoscaler do over time, side by side.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cluster::Cluster;
use crate::error::Error;
use crate::objects::Deployment;
use crate::patience::{Seen, until};
use crate::stage::{Stage, number};

/// One look at all of it.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    at_ms: u64,
    /// Updates not committed, as the monitor has it.
    pub(crate) lag: Option<u64>,
    /// Age of the oldest of them, in seconds.
    pub(crate) delay_seconds: Option<f64>,
    /// How many consumers the monitor asks for.
    pub(crate) desired: Option<u32>,
    /// How many the autoscaler has set.
    pub(crate) replicas: u32,
    /// How many of these are ready.
    pub(crate) ready: u32,
}

/// All looks since a moment.
#[derive(Debug)]
pub(crate) struct Timeline {
    began_ms: u64,
    looks: Vec<Look>,
}

/// Something that happened, with what there was at that time.
struct Row {
    at_ms: u64,
    autoscaler: String,
    plan: String,
}

impl Timeline {
    /// One that begins now.
    pub(crate) fn begin() -> Self {
        Self { began_ms: now_ms(), looks: Vec::new() }
    }

    /// Looks until something is so; the time is that since the beginning.
    ///
    /// # Errors
    /// Where it is not so in time, or `check` finds something broken.
    pub(crate) async fn until(
        &mut self,
        cluster: &Cluster,
        awaited: &str,
        patience: Duration,
        is_so: impl Fn(&Look) -> bool,
        check: impl Fn(&Look) -> Result<(), Error>,
    ) -> Result<Duration, Error> {
        until(awaited, patience, async || {
            let look = look(cluster).await?;
            check(&look)?;
            let last = format!("{look:?}");
            let found = is_so(&look);
            let at = Duration::from_millis(look.at_ms.saturating_sub(self.began_ms));
            self.looks.push(look);
            Ok(if found { Seen::Yes(at) } else { Seen::NotYet(last) })
        })
        .await
    }

    /// The first look of which something is true: how long after the beginning that was.
    pub(crate) fn first(&self, is_so: impl Fn(&Look) -> bool) -> Option<Duration> {
        let look = self.looks.iter().find(|look| is_so(look))?;
        Some(Duration::from_millis(look.at_ms.saturating_sub(self.began_ms)))
    }

    /// The numbers the monitor asked for, one after the other.
    pub(crate) fn desired(&self) -> Vec<u32> {
        let mut course: Vec<_> = self.looks.iter().filter_map(|look| look.desired).collect();
        course.dedup();
        course
    }

    /// The longest delay that was seen, in seconds.
    pub(crate) fn worst_delay(&self) -> f64 {
        self.looks.iter().filter_map(|look| look.delay_seconds).fold(0.0, f64::max)
    }

    /// The monitor's decisions and the autoscaler's events, in the order of time.
    ///
    /// # Errors
    /// Where they cannot be had.
    pub(crate) async fn tell(&self, cluster: &Cluster, stage: &Stage) -> Result<(), Error> {
        let mut rows: Vec<_> = cluster
            .decisions()
            .await?
            .into_iter()
            .filter(|decision| decision.at_ms >= self.began_ms)
            .map(|decision| Row { at_ms: decision.at_ms, autoscaler: String::new(), plan: decision.sentence })
            .collect();
        for event in cluster.events("HorizontalPodAutoscaler", "consumer").await? {
            let at_ms = event.last_timestamp.as_deref().and_then(parse_ms).unwrap_or(0);
            // Events have whole seconds.
            if at_ms + 1000 > self.began_ms {
                // What follows is the metric's selector, in Go's own notation.
                let message = event.message.split(';').next().unwrap_or_default();
                let autoscaler = if event.reason == "SuccessfulRescale" { message } else { &event.reason };
                rows.push(Row { at_ms, autoscaler: autoscaler.to_owned(), plan: String::new() });
            }
        }
        rows.sort_by_key(|row| row.at_ms);
        stage.detail(format!(
            "{:>6}  {:>6}  {:>6}  {:<5}  {:<12}  {}",
            "time", "lag", "delay", "ready", "HPA", "monitor's plan"
        ));
        for row in rows {
            let seconds = (row.at_ms.saturating_sub(self.began_ms)) as f64 / 1000.0;
            let then = self.looks.iter().rev().find(|look| look.at_ms <= row.at_ms).or(self.looks.first());
            let (lag, delay, ready) = then.map(told).unwrap_or_default();
            stage.detail(format!(
                "{seconds:>4.0} s  {lag:>6}  {delay:>6}  {ready:<5}  {:<12}  {}",
                row.autoscaler, row.plan
            ));
        }
        Ok(())
    }
}

fn told(look: &Look) -> (String, String, String) {
    let unknown = || "?".to_owned();
    (
        look.lag.map_or_else(unknown, number),
        look.delay_seconds.map_or_else(unknown, |delay| format!("{delay:.1} s")),
        format!("{}/{}", look.ready, look.replicas),
    )
}

async fn look(cluster: &Cluster) -> Result<Look, Error> {
    let Deployment { spec, status, .. } = cluster.deployment("consumer").await?;
    let group = cluster.group().await?;
    Ok(Look {
        at_ms: now_ms(),
        lag: group.lag,
        delay_seconds: group.delay_seconds,
        desired: group.plan.replicas,
        replicas: spec.replicas,
        ready: status.ready_replicas,
    })
}

fn now_ms() -> u64 {
    ms(SystemTime::now())
}

fn parse_ms(timestamp: &str) -> Option<u64> {
    humantime::parse_rfc3339(timestamp).ok().map(ms)
}

fn ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
