//! What monitor and autoscaler do over time, side by side.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cluster::Cluster;
use crate::error::Error;
use crate::objects::Deployment;
use crate::patience::{Seen, TICK, until};
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
            let at = self.after(look.at_ms);
            self.looks.push(look);
            Ok(if found { Seen::Yes(at) } else { Seen::NotYet(last) })
        })
        .await
    }

    /// Looks for so long. A look that nobody answers is left out.
    ///
    /// # Errors
    /// Where no look has been answered.
    pub(crate) async fn watch(&mut self, cluster: &Cluster, time: Duration) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            match look(cluster).await {
                Ok(look) => self.looks.push(look),
                Err(error) if self.looks.is_empty() => return Err(error),
                Err(_) => {}
            }
            if began.elapsed() >= time {
                return Ok(());
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// How long ago it began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.after(now_ms())
    }

    /// The last look.
    pub(crate) fn last(&self) -> Option<Look> {
        self.looks.last().cloned()
    }

    /// For how long the number of replicas has been what it is.
    pub(crate) fn unchanged(&self) -> Duration {
        let Some(last) = self.looks.last() else { return Duration::ZERO };
        let same = self.looks.iter().rev().take_while(|look| look.replicas == last.replicas).last();
        Duration::from_millis(last.at_ms.saturating_sub(same.unwrap_or(last).at_ms))
    }

    /// Replicas times the time there were so many, in seconds.
    pub(crate) fn replica_seconds(&self) -> f64 {
        let between = |pair: &[Look]| {
            let time = Duration::from_millis(pair[1].at_ms.saturating_sub(pair[0].at_ms));
            f64::from(pair[0].replicas) * time.as_secs_f64()
        };
        self.looks.windows(2).map(between).sum()
    }

    /// The first look of which something is true: how long after the beginning that was.
    pub(crate) fn first(&self, is_so: impl Fn(&Look) -> bool) -> Option<Duration> {
        self.first_after(Duration::ZERO, is_so)
    }

    /// The same, of those later than some time after the beginning.
    pub(crate) fn first_after(&self, earliest: Duration, is_so: impl Fn(&Look) -> bool) -> Option<Duration> {
        let look = self.looks.iter().find(|look| self.after(look.at_ms) >= earliest && is_so(look))?;
        Some(self.after(look.at_ms))
    }

    fn after(&self, at_ms: u64) -> Duration {
        Duration::from_millis(at_ms.saturating_sub(self.began_ms))
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

/// The time, in milliseconds since 1970.
fn now_ms() -> u64 {
    ms(SystemTime::now())
}

/// A time as Kubernetes writes it, in milliseconds since 1970.
pub(crate) fn parse_ms(timestamp: &str) -> Option<u64> {
    humantime::parse_rfc3339(timestamp).ok().map(ms)
}

fn ms(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
