//! What the live screen shows, before it is drawn.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use crate::event::{Event, What};
use crate::front_door::Route;
use crate::scaling::Scaling;
use crate::script::Script;
use crate::timeline::{Change, timeline};
use crate::watcher::View;

/// The time over which speeds are measured.
const SPEED_WINDOW: Duration = Duration::from_secs(2);

/// How a consumer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It lives.
    Lives,
    /// It was killed.
    Killed,
    /// It left, or is about to.
    Left,
}

/// Everything on the screen.
#[derive(Debug)]
pub(super) struct Board {
    began: Instant,
    pub(super) kafka: String,
    /// Where the live page is, once there is one.
    pub(super) page: Option<String>,
    /// Updates of the script.
    pub(super) updates: u64,
    /// Updates of the burst, once it has come.
    pub(super) burst: u64,
    pub(super) script: Option<Script>,
    pub(super) view: View,
    pub(super) events: Vec<Event>,
    pub(super) scaling: Scaling,
    pub(super) standings: BTreeMap<String, Standing>,
    /// Symbols by partition.
    pub(super) symbols: BTreeMap<i32, Vec<String>>,
    /// The largest lag so far: full bars.
    pub(super) largest_lag: u64,
    /// When so much was sent and processed, over the last seconds.
    past: VecDeque<(Instant, u64, u64)>,
}

impl Board {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            kafka: String::new(),
            page: None,
            updates: 0,
            burst: 0,
            script: None,
            view: View::default(),
            events: Vec::new(),
            scaling: Scaling::default(),
            standings: BTreeMap::new(),
            symbols: BTreeMap::new(),
            largest_lag: 1,
            past: VecDeque::new(),
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        match &event.what {
            What::Begins { bootstrap, embedded, script, .. } => {
                let kind = if *embedded { "embedded Kafka" } else { "Kafka" };
                self.kafka = format!("{kind} {bootstrap}");
                self.script = script.parse().ok();
            }
            What::Sending { updates, .. } => self.updates = *updates,
            What::Burst { updates, .. } => self.burst = *updates,
            What::Joins { member, .. } => self.stands(member, Standing::Lives),
            What::Killed { member, .. } => self.stands(member, Standing::Killed),
            What::Leaves { member, .. } => self.stands(member, Standing::Left),
            What::Watching { page, .. } => self.page = Some(page.clone()),
            What::Decided { .. }
            | What::Scales { .. }
            | What::Rebalanced { .. }
            | What::Settled { .. }
            | What::Left { .. }
            | What::AllSent { .. }
            | What::AllProcessed
            | What::Stalled { .. }
            | What::Complaint { .. } => {}
        }
        self.events.push(event);
    }

    pub(super) fn view(&mut self, view: View) {
        let now = Instant::now();
        self.past.push_back((now, view.sent, view.processed));
        while self.past.front().is_some_and(|(at, ..)| now.duration_since(*at) > SPEED_WINDOW) {
            self.past.pop_front();
        }
        let lags = view.partitions.iter().filter_map(crate::watcher::PartitionView::lag);
        self.largest_lag = lags.max().unwrap_or(0).max(self.largest_lag);
        self.view = view;
    }

    pub(super) fn routing(&mut self, routes: Vec<Route>) {
        self.symbols.clear();
        for route in routes {
            self.symbols.entry(route.partition).or_default().push(route.symbol);
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Updates sent and processed per second, lately.
    pub(super) fn speeds(&self) -> (u64, u64) {
        let (Some((since, sent, processed)), Some((until, sent_now, processed_now))) =
            (self.past.front(), self.past.back())
        else {
            return (0, 0);
        };
        let milliseconds = u64::try_from(until.duration_since(*since).as_millis()).unwrap_or(u64::MAX).max(1);
        let speed = |before: u64, now: u64| now.saturating_sub(before) * 1_000 / milliseconds;
        (speed(*sent, *sent_now), speed(*processed, *processed_now))
    }

    /// The change in the group that was the last to begin or to move a partition.
    pub(super) fn last_change(&self) -> Option<Change> {
        timeline(&self.events).into_iter().max_by_key(Change::latest_ms)
    }

    fn stands(&mut self, member: &str, standing: Standing) {
        self.standings.insert(member.to_owned(), standing);
    }
}
