//! A decision in one sentence.

use crate::counts::Counts;
use crate::load::Load;
use crate::{Reason, Settings};
use std::time::Duration;

/// What a decision was made of.
pub(crate) struct Facts<'a> {
    pub(crate) replicas: u32,
    /// The count before.
    pub(crate) before: u32,
    /// The count that is enough, whatever is allowed.
    pub(crate) needed: u32,
    /// Of what is needed, what the settings allow.
    pub(crate) allowed: u32,
    /// For how long fewer would do.
    pub(crate) headroom: Option<Duration>,
    /// When growing to what is allowed would have caught up with staying.
    pub(crate) payback: Option<Duration>,
    /// All records not committed yet.
    pub(crate) backlog: u64,
    /// Records per second that were too much for one consumer, where that keeps the count up.
    pub(crate) too_much: Option<f64>,
    /// The next smaller count, and what the busiest of so many would have to take.
    pub(crate) fewer: Option<(u32, f64)>,
    pub(crate) load: Option<&'a Load>,
    pub(crate) counts: &'a Counts,
    pub(crate) settings: &'a Settings,
}

impl Facts<'_> {
    /// The one reason that says most.
    pub(crate) fn reason(&self) -> Reason {
        let Some(load) = self.load else { return Reason::Lag };
        if load.hot().is_some() {
            Reason::HotPartition
        } else if self.replicas < self.before {
            Reason::Shrink
        } else if self.headroom.is_some() {
            Reason::Headroom
        } else if self.allowed > self.replicas {
            Reason::Wait
        } else if self.needed > self.replicas {
            Reason::Maximum
        } else if self.counts.below(self.replicas).is_none() {
            Reason::Minimum
        } else if self.arrivals_need(load) {
            Reason::Load
        } else {
            Reason::Backlog
        }
    }

    /// The reason in words, with the figures behind it.
    pub(crate) fn sentence(&self, reason: Reason) -> String {
        let count = self.replicas;
        let Some(load) = self.load else { return self.by_lag() };
        let why = match reason {
            Reason::HotPartition => self.hot(load),
            Reason::Shrink => format!(
                "{}; fewer than {} have been enough for {}",
                self.each(load),
                self.before,
                seconds(self.settings.shrink_after)
            ),
            Reason::Headroom => format!(
                "{}; {} would do, for {} of {} so far",
                self.each(load),
                self.allowed,
                seconds(self.headroom.unwrap_or_default()),
                seconds(self.settings.shrink_after)
            ),
            Reason::Wait => format!("{}; {}", self.each(load), self.waiting(load)),
            Reason::Maximum => {
                format!("{}; {} are needed and {count} allowed", self.each(load), self.needed)
            }
            Reason::Load | Reason::Backlog => self.against_fewer(load),
            Reason::Minimum | Reason::Lag | Reason::Held | Reason::Unknown => {
                format!("{}; no fewer are allowed", self.each(load))
            }
        };
        format!("{count}: {why}")
    }

    fn by_lag(&self) -> String {
        if let (Some(too_much), Some((fewer, arrivals))) = (self.too_much, self.fewer) {
            return format!(
                "{}: {fewer} would have {}/s, and {}/s was too much for one consumer",
                self.replicas,
                number(arrivals),
                number(too_much)
            );
        }
        format!(
            "{}: {} behind at {} for each; what one consumer can do is not known yet",
            self.replicas,
            number(self.backlog as f64),
            number(self.settings.lag_per_consumer as f64)
        )
    }

    fn hot(&self, load: &Load) -> String {
        load.hot().map_or_else(String::new, |hot| {
            format!(
                "partition {} alone has {}/s, {} % of all, and one consumer does {}/s: more consumers cannot help",
                hot.partition,
                number(hot.rate),
                number(hot.share * 100.0),
                number(load.capacity)
            )
        })
    }

    /// What each consumer has to do, at most.
    fn each(&self, load: &Load) -> String {
        let arrivals = self.arrivals(load, self.replicas);
        format!("partition load {}/s of {}/s each", number(arrivals), number(load.capacity))
    }

    fn waiting(&self, load: &Load) -> String {
        let behind = load.behind();
        let drained =
            load.drained_after(self.counts.largest_share(self.replicas), load.capacity, self.settings.target_delay);
        let staying = match drained {
            Some(time) if behind >= 1.0 => format!("drains {} behind in {} s", number(behind), number(time)),
            Some(_) | None => "nothing is behind".to_owned(),
        };
        format!("{staying}, {} would pay back after {} only", self.allowed, seconds(self.payback.unwrap_or_default()))
    }

    fn against_fewer(&self, load: &Load) -> String {
        let fewer = self.counts.below(self.replicas).unwrap_or(self.replicas);
        let arrivals = self.arrivals(load, fewer);
        let planned = load.capacity * self.settings.utilisation;
        let target = self.settings.target_delay;
        let drained = load.drained_after(self.counts.largest_share(fewer), planned, target);
        let instead = match drained.filter(|time| arrivals <= planned && *time > target.as_secs_f64()) {
            Some(time) => format!(
                "{fewer} would drain {} behind in {} s, target {}",
                number(load.behind()),
                number(time),
                seconds(target)
            ),
            None => format!("{fewer} would have {}/s", number(arrivals)),
        };
        format!("{}; {instead}", self.each(load))
    }

    /// Whether fewer consumers would be too few even without any backlog.
    fn arrivals_need(&self, load: &Load) -> bool {
        let planned = load.capacity * self.settings.utilisation;
        self.counts.below(self.replicas).is_some_and(|fewer| self.arrivals(load, fewer) > planned)
    }

    fn arrivals(&self, load: &Load, count: u32) -> f64 {
        load.of_share(self.counts.largest_share(count), Duration::MAX, f64::INFINITY)
    }
}

/// What is said when there was nothing to decide by.
pub(crate) fn without_reading(replicas: Option<u32>, unread: Option<Duration>, hold: Duration) -> String {
    match (replicas, unread) {
        (Some(count), Some(time)) => {
            format!("{count}: held, for {} of {} without a complete reading", seconds(time), seconds(hold))
        }
        (_, Some(time)) => format!("no answer: no complete reading for {}", seconds(time)),
        (_, None) => "no answer: no complete reading yet".to_owned(),
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", number(time.as_secs_f64()))
}

/// `0.4`, `31`, `12,000`.
fn number(value: f64) -> String {
    if value > 0.0 && value < 9.95 && value.fract() > 0.05 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let head = digits.len() % 3;
    let (first, rest) = digits.split_at(head);
    let groups = rest.as_bytes().chunks(3).filter_map(|group| std::str::from_utf8(group).ok());
    std::iter::once(first).filter(|first| !first.is_empty()).chain(groups).collect::<Vec<_>>().join(",")
}
