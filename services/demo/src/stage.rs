//! Where everything that happens is told: it is remembered for the report and shown on the screen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::event::{Event, What};
use crate::log_line::{LogLine, RebalanceKind};
use crate::screen::Screen;

/// A handle to the one stage; clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    began: Instant,
    screen: Screen,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    events: Vec<Event>,
    /// Who has which partition, as the consumers report it.
    owners: BTreeMap<i32, String>,
}

impl Stage {
    /// A stage whose clock begins now.
    #[must_use]
    pub(crate) fn new(screen: Screen) -> Self {
        Self { inner: Arc::new(Inner { began: Instant::now(), screen, told: Mutex::default() }) }
    }

    /// What shows it.
    #[must_use]
    pub(crate) fn screen(&self) -> &Screen {
        &self.inner.screen
    }

    /// Tells that something happened now.
    pub(crate) fn tell(&self, what: What) {
        let mut told = self.told();
        if let What::Rebalanced { member, rebalance } = &what {
            for partition in &rebalance.partitions {
                match rebalance.kind {
                    RebalanceKind::Assigned => told.owners.insert(*partition, member.clone()),
                    // Who reports late does not take it from its new owner.
                    RebalanceKind::Revoked | RebalanceKind::Lost if told.owners.get(partition) != Some(member) => None,
                    RebalanceKind::Revoked | RebalanceKind::Lost => told.owners.remove(partition),
                };
            }
        }
        let event = Event { at_ms: self.elapsed_ms(), what };
        self.inner.screen.event(&event);
        told.events.push(event);
    }

    /// Tells what a process says, if that matters to the story.
    pub(crate) fn hear(&self, process: &str, line: LogLine) {
        match line {
            LogLine::Rebalance(rebalance) => self.tell(What::Rebalanced { member: process.to_owned(), rebalance }),
            LogLine::Complaint(message) => self.tell(What::Complaint { process: process.to_owned(), message }),
            LogLine::Listening(_) | LogLine::Other => {}
        }
    }

    /// Who has which partition, as the consumers report it.
    #[must_use]
    pub(crate) fn reported_owners(&self) -> BTreeMap<i32, String> {
        self.told().owners.clone()
    }

    /// All that has happened.
    #[must_use]
    pub(crate) fn events(&self) -> Vec<Event> {
        self.told().events.clone()
    }

    /// Milliseconds since the story began.
    #[must_use]
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.inner.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.inner.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
