//! Round after round: read, take in, decide, show.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::kafka::Connection;
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::group::Group;
use crate::metrics::Metrics;
use crate::reader::Reader;
use crate::reading::{ErrorKind, PartitionId, Round};
use crate::view::View;

/// How long before now the log is asked how far it had come, where something waited already before the first round.
const AGES: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(24 * 3600),
];

/// A view that is younger is fresh enough for anybody.
const FRESH: Duration = Duration::from_millis(500);

/// Nobody shall go by a view that is older. Even a round in which every question times out is over long before.
const STALE: Duration = Duration::from_secs(60);

/// What there is to say before anything was read.
pub(crate) const NO_ROUND: &str = "the first round of reading is not over yet";

/// How long somebody who wants a fresh view waits for it.
const FRESH_TIMEOUT: Duration = Duration::from_secs(1);

/// The loop that reads.
pub(crate) struct Rounds {
    reader: Arc<Reader>,
    groups: Vec<Group>,
    interval: Duration,
    connection: Arc<Connection>,
    metrics: Metrics,
    view: watch::Sender<Arc<View>>,
    asked: Arc<Notify>,
}

/// What is shown, for whoever wants to see it.
#[derive(Clone, Debug)]
pub struct Shown {
    view: watch::Receiver<Arc<View>>,
    asked: Arc<Notify>,
}

impl Shown {
    /// Nothing yet, and where to show it.
    pub(crate) fn new() -> (watch::Sender<Arc<View>>, Self) {
        let (show, view) = watch::channel(Arc::new(View::default()));
        (show, Self { view, asked: Arc::default() })
    }

    /// The last round's view.
    #[must_use]
    pub fn now(&self) -> Arc<View> {
        Arc::clone(&self.view.borrow())
    }

    /// A view of this moment: reads anew unless that has just been done. Where that takes too long, the last view.
    ///
    /// # Errors
    /// Why there is none that could be gone by: what was so a minute ago is not known any more.
    pub async fn fresh(&self) -> Result<Arc<View>, String> {
        let mut view = self.view.clone();
        view.mark_unchanged();
        let mut now = self.now();
        if now.age() >= FRESH {
            self.asked.notify_one();
            let _ = tokio::time::timeout(FRESH_TIMEOUT, view.changed()).await;
            now = self.now();
        }
        match now.age() {
            _ if now.rounds == 0 => Err(NO_ROUND.to_owned()),
            age if age >= STALE => Err(format!("the last round of reading was {} s ago", age.as_secs())),
            _ => Ok(now),
        }
    }

    /// The last round's view, which will not be the next one.
    pub(crate) fn seen(&mut self) -> Arc<View> {
        Arc::clone(&self.view.borrow_and_update())
    }

    /// The next view; `None` at the end.
    pub async fn next(&mut self) -> Option<Arc<View>> {
        self.view.changed().await.ok()?;
        Some(Arc::clone(&self.view.borrow_and_update()))
    }
}

impl Rounds {
    /// Rounds of reading, `interval` from the beginning of one to that of the next.
    pub(crate) fn new(
        reader: Reader,
        groups: Vec<Group>,
        interval: Duration,
        connection: Arc<Connection>,
        metrics: Metrics,
        (view, shown): (watch::Sender<Arc<View>>, &Shown),
    ) -> Self {
        let asked = Arc::clone(&shown.asked);
        Self { reader: Arc::new(reader), groups, interval, connection, metrics, view, asked }
    }

    /// Reads until `shutdown`. A round never begins before the last one is over.
    ///
    /// # Errors
    /// Where the client can never work again.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> Result<(), Error> {
        let mut ticks = tokio::time::interval(self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                _ = ticks.tick() => {}
                () = self.asked.notified() => ticks.reset(),
            }
            tokio::select! {
                // What still reads is left to itself: it ends with its timeouts.
                () = shutdown.cancelled() => return Ok(()),
                result = self.round() => result?,
            }
        }
    }

    async fn round(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        let reader = Arc::clone(&self.reader);
        let round = tokio::task::spawn_blocking(move || reader.read()).await?;
        if let Some(reason) = self.connection.fatal() {
            return Err(Error::Fatal(reason));
        }
        self.tell(&round);
        self.groups.iter_mut().for_each(|group| group.observe(&round));
        self.date(round.at_ms).await?;
        let groups: Vec<_> = self.groups.iter_mut().map(|group| Arc::new(group.view(round.at_ms))).collect();
        let rounds = self.view.borrow().rounds + 1;
        let view = View { at_ms: round.at_ms, rounds, groups };
        self.metrics.round_over(begun.elapsed(), &view);
        self.view.send_replace(Arc::new(view));
        Ok(())
    }

    /// Says, when it is new, that Kafka is there or what it refuses.
    fn tell(&self, round: &Round) {
        // Of a group whose topics could not be read nothing was asked.
        let asked = round.groups.iter().filter(|(_, group)| group.offsets.as_ref().map_or(true, |all| !all.is_empty()));
        let groups = asked.map(|(name, group)| ("group", &**name, group.offsets.as_ref().err()));
        let topics = round.topics.iter().map(|(name, topic)| ("topic", &**name, topic.as_ref().err()));
        let mut answered = false;
        let mut complaint = None;
        for (what, name, error) in groups.chain(topics) {
            let Some(error) = error else {
                answered = true;
                continue;
            };
            if !matches!(error.kind, ErrorKind::Unreachable | ErrorKind::TimedOut) {
                answered = true;
                complaint.get_or_insert_with(|| format!("{what} {name}: {error}"));
            }
        }
        if answered {
            self.connection.answered();
        }
        if let Some(complaint) = complaint {
            self.connection.complain(&complaint);
        }
    }

    /// Lets the logs tell since when things wait that were there before the first round.
    async fn date(&mut self, now_ms: u64) -> Result<(), Error> {
        let wanted: Vec<Vec<PartitionId>> = self.groups.iter().map(Group::without_history).collect();
        let mut partitions: Vec<_> = wanted.iter().flatten().cloned().collect();
        if partitions.is_empty() {
            return Ok(());
        }
        partitions.sort();
        partitions.dedup();
        let reader = Arc::clone(&self.reader);
        let ends = tokio::task::spawn_blocking(move || {
            let mut ends: HashMap<PartitionId, Vec<(u64, u64)>> = HashMap::new();
            for age in AGES {
                let at_ms = now_ms.saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
                for (id, end) in reader.offsets_at(&partitions, at_ms) {
                    ends.entry(id).or_default().push((at_ms, end));
                }
            }
            ends
        })
        .await?;
        for (group, wanted) in self.groups.iter_mut().zip(wanted) {
            for id in wanted {
                let ends = ends.get(&id).cloned().unwrap_or_default();
                group.remember(&id, ends, now_ms);
            }
        }
        Ok(())
    }
}
