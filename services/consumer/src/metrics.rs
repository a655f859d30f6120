//! What the consumer counts. The table in `docs/metrics.md` says what each means.

use std::time::{Duration, Instant};

use common::commit_metadata::now_ms;
use common::open_metrics::Exemplars;
use common::quote::Malformed;
use prometheus::core::Collector;
use prometheus::local::{LocalHistogram, LocalIntCounter};
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use crate::record::{Reason, Update};

/// A lane adds its counts to the shared ones this often.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// After work that took longer, it does so at once: the next may take longer still.
const SLOW_WORK: Duration = Duration::from_millis(1);

/// Seconds of work per update.
const WORK_BUCKETS: &[f64] = &[1e-6, 1e-5, 1e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The histogram that has exemplars.
const AGE: &str = "consumer_record_age_seconds";

/// Seconds from send to done, and of pauses.
const DELAY_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];

/// What kind of rebalance it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebalanceKind {
    /// Partitions came.
    Assigned,
    /// Partitions went, after a hand-over.
    Revoked,
    /// Partitions went without one: the group had given them to others already.
    Lost,
}

impl RebalanceKind {
    /// Its name, in metrics and log lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Revoked => "revoked",
            Self::Lost => "lost",
        }
    }
}

/// The consumer's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    records: IntCounter,
    bytes: IntCounter,
    work: Histogram,
    age: Histogram,
    exemplars: Exemplars,
    in_flight: IntGauge,
    paused: IntGauge,
    owned: IntGaugeVec,
    rebalances: IntCounterVec,
    pause: Histogram,
    last_pause: GaugeVec,
    drain: Histogram,
    abandoned: IntCounter,
    commits: IntCounter,
    commit_failures: IntCounter,
    retries: IntCounter,
    dead_letters: IntCounterVec,
    order_violations: IntCounter,
    duplicates: IntCounter,
    kafka_up: IntGauge,
}

impl Metrics {
    /// Registers them.
    ///
    /// # Errors
    /// Where one of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        fn add<C: Collector + Clone + 'static>(
            registry: &Registry,
            collector: prometheus::Result<C>,
        ) -> prometheus::Result<C> {
            let collector = collector?;
            registry.register(Box::new(collector.clone()))?;
            Ok(collector)
        }
        let counter = |name, help| add(registry, IntCounter::new(name, help));
        let gauge = |name, help| add(registry, IntGauge::new(name, help));
        let seconds = |name, help, buckets: &[f64]| {
            add(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
        };
        let metrics = Self {
            records: counter("consumer_records_total", "Updates whose work is done")?,
            bytes: counter("consumer_bytes_total", "Bytes of keys and values of updates whose work is done")?,
            work: seconds("consumer_work_seconds", "Time from an update's begin to its end", WORK_BUCKETS)?,
            age: seconds(AGE, "Time from an update's send to its end", DELAY_BUCKETS)?,
            exemplars: Exemplars::new(AGE, DELAY_BUCKETS),
            in_flight: gauge("consumer_in_flight", "Records handed out whose offset cannot be committed yet")?,
            paused: gauge("consumer_partitions_paused", "Partitions paused because their work is behind")?,
            owned: add(
                registry,
                IntGaugeVec::new(
                    Opts::new("consumer_partition_owned", "1 for each partition this member has"),
                    &["partition"],
                ),
            )?,
            rebalances: add(
                registry,
                IntCounterVec::new(
                    Opts::new("consumer_rebalances_total", "Changes of this member's assignment"),
                    &["kind"],
                ),
            )?,
            pause: seconds(
                "consumer_rebalance_pause_seconds",
                "Time a rebalance kept a partition's records waiting",
                DELAY_BUCKETS,
            )?,
            last_pause: add(
                registry,
                GaugeVec::new(
                    Opts::new("consumer_partition_pause_seconds", "How long the last rebalance paused a partition"),
                    &["partition"],
                ),
            )?,
            drain: seconds(
                "consumer_drain_seconds",
                "Time to finish what had begun when partitions went",
                DELAY_BUCKETS,
            )?,
            abandoned: counter("consumer_abandoned_total", "Updates begun but not finished within the drain timeout")?,
            commits: counter("consumer_commits_total", "Commits the broker took")?,
            commit_failures: counter("consumer_commit_failures_total", "Commits the broker refused or did not answer")?,
            retries: counter("consumer_retries_total", "Attempts at an update or a dead letter after the first")?,
            dead_letters: add(
                registry,
                IntCounterVec::new(
                    Opts::new("consumer_dead_letters_total", "Records written to the dead letters"),
                    &["reason"],
                ),
            )?,
            order_violations: counter(
                "consumer_order_violations_total",
                "Updates that came after a later one of their symbol",
            )?,
            duplicates: counter(
                "consumer_duplicates_total",
                "Updates handed out again that this member had done before",
            )?,
            kafka_up: gauge("consumer_kafka_up", "1 while a broker answers")?,
        };
        for kind in [RebalanceKind::Assigned, RebalanceKind::Revoked, RebalanceKind::Lost] {
            metrics.rebalances.with_label_values(&[kind.name()]);
        }
        for reason in Malformed::ALL.map(Malformed::code).into_iter().chain([Reason::REJECTED]) {
            metrics.dead_letters.with_label_values(&[reason]);
        }
        Ok(metrics)
    }

    /// A partition came.
    pub fn partition_gained(&self, partition: i32) {
        self.owned.with_label_values(&[partition.to_string()]).set(1);
    }

    /// A partition went.
    pub fn partition_gone(&self, partition: i32) {
        // Fails only where there is none.
        let _ = self.owned.remove_label_values(&[partition.to_string()]);
        let _ = self.last_pause.remove_label_values(&[partition.to_string()]);
    }

    /// The assignment changed.
    pub fn rebalanced(&self, kind: RebalanceKind) {
        self.rebalances.with_label_values(&[kind.name()]).inc();
    }

    /// A rebalance kept a partition's records waiting.
    pub fn paused_by_rebalance(&self, partition: i32, pause: Duration) {
        self.pause.observe(pause.as_secs_f64());
        self.last_pause.with_label_values(&[partition.to_string()]).set(pause.as_secs_f64());
    }

    /// What had begun was finished, but for so many updates.
    pub fn drained(&self, took: Duration, abandoned: usize) {
        self.drain.observe(took.as_secs_f64());
        self.abandoned.inc_by(abandoned as u64);
    }

    /// The broker took a commit, or not.
    pub fn committed(&self, success: bool) {
        if success { self.commits.inc() } else { self.commit_failures.inc() }
    }

    /// An attempt failed and is made again.
    pub fn retried(&self) {
        self.retries.inc();
    }

    /// A dead letter was written.
    pub fn dead_letter(&self, reason: &Reason) {
        self.dead_letters.with_label_values(&[reason.code()]).inc();
    }

    /// An update came after a later one of its symbol.
    pub fn order_violated(&self) {
        self.order_violations.inc();
    }

    /// An update was handed out again that this member had done before.
    pub fn duplicate(&self) {
        self.duplicates.inc();
    }

    /// How things stand.
    pub fn standing(&self, in_flight: usize, paused: usize, kafka_up: bool) {
        self.in_flight.set(i64::try_from(in_flight).unwrap_or(i64::MAX));
        self.paused.set(i64::try_from(paused).unwrap_or(i64::MAX));
        self.kafka_up.set(i64::from(kafka_up));
    }

    /// Traces of updates of each age.
    #[must_use]
    pub fn exemplars(&self) -> Exemplars {
        self.exemplars.clone()
    }

    /// One lane's own counts, which it adds to these from time to time.
    #[must_use]
    pub fn lane(&self) -> LaneMetrics {
        LaneMetrics {
            records: self.records.local(),
            bytes: self.bytes.local(),
            work: self.work.local(),
            age: self.age.local(),
            exemplars: self.exemplars.clone(),
            flushed: Instant::now(),
            wall_ms: now_ms(),
        }
    }
}

/// Counts per update, kept out of other lanes' way.
#[derive(Debug)]
pub struct LaneMetrics {
    records: LocalIntCounter,
    bytes: LocalIntCounter,
    work: LocalHistogram,
    age: LocalHistogram,
    exemplars: Exemplars,
    flushed: Instant,
    /// The time of day at `flushed`, so that each update needs but one look at one clock.
    wall_ms: i64,
}

impl LaneMetrics {
    /// An update's work is done; returns when.
    pub fn finished(&mut self, begun: Instant, update: &Update) -> Instant {
        let now = Instant::now();
        self.records.inc();
        self.bytes.inc_by(update.bytes as u64);
        let work = now.saturating_duration_since(begun);
        self.work.observe(work.as_secs_f64());
        let since = now.saturating_duration_since(self.flushed);
        let now_ms = self.wall_ms.saturating_add(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        let age_ms = u32::try_from(now_ms.saturating_sub(update.timestamp_ms).max(0)).unwrap_or(u32::MAX);
        let age = f64::from(age_ms) / 1000.0;
        self.age.observe(age);
        let trace_id = update.trace.as_ref().and_then(|trace| trace.id.as_deref());
        if since >= FLUSH_INTERVAL || work >= SLOW_WORK || trace_id.is_some() {
            self.flush();
        }
        if let Some(trace_id) = trace_id {
            self.exemplars.observe(age, trace_id, now_ms);
        }
        now
    }

    /// Adds them to the shared counts.
    pub fn flush(&mut self) {
        self.records.flush();
        self.bytes.flush();
        self.work.flush();
        self.age.flush();
        (self.flushed, self.wall_ms) = (Instant::now(), now_ms());
    }
}
