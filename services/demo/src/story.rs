//! The story itself: every step waits for what it needs to see, and for no time to pass.

mod act;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::Error;
use crate::burst::Burst;
use crate::event::What;
use crate::fleet::Fleet;
use crate::front_door::{Assignment, Load, Route};
use crate::options::Options;
use crate::scaling::Scaling;
use crate::script::{Act, Script};
use crate::stage::Stage;
use crate::venue::Venue;
use crate::watcher::{View, Watcher};
use audit::Kill;

/// How often the processes are looked at.
const TICK: Duration = Duration::from_millis(50);

/// How often the producer is asked how far it is.
const GLANCE: Duration = Duration::from_millis(500);

/// So long nothing may move before it is given up: twice the time after which a Kafka by default counts a silent
/// member out.
const PATIENCE: Duration = Duration::from_secs(90);

/// Consumers tell of new partitions when the first record came, or else within 2 seconds.
const REPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a victim that has nothing to do is waited for.
const VICTIM_TIMEOUT: Duration = Duration::from_secs(5);

/// The symbol whose consumer is killed.
const VICTIM_SYMBOL: &str = "GOOGL";

/// What the story leaves behind for the report.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Updates that were to be sent.
    pub(crate) updates: u64,
    /// Of these, how many Kafka has.
    pub(crate) acknowledged: u64,
    /// And how many it has not, for good.
    pub(crate) failed: u64,
    /// Where each symbol's updates went.
    pub(crate) routing: Vec<Route>,
    /// Who was killed.
    pub(crate) kills: Vec<Kill>,
    /// The scaling act.
    pub(crate) scaling: Option<Scaling>,
}

/// The story while it is played.
pub(crate) struct Story<'a> {
    options: &'a Options,
    venue: &'a Venue,
    stage: &'a Stage,
    fleet: &'a mut Fleet,
    watcher: Watcher,
    view: watch::Receiver<View>,
    load: Option<Load>,
    glanced: Instant,
    is_settled: bool,
    kills: Vec<Kill>,
}

impl<'a> Story<'a> {
    /// A story that has not begun.
    pub(crate) fn new(
        options: &'a Options,
        venue: &'a Venue,
        stage: &'a Stage,
        fleet: &'a mut Fleet,
        watcher: Watcher,
        view: watch::Receiver<View>,
    ) -> Self {
        let (load, glanced, is_settled, kills) = (None, Instant::now(), false, Vec::new());
        Self { options, venue, stage, fleet, watcher, view, load, glanced, is_settled, kills }
    }

    /// Plays it to its end.
    ///
    /// # Errors
    /// Where a process fails, or something that must happen does not.
    pub(crate) async fn play(mut self, script: &Script, burst: Option<Burst>) -> Result<Outcome, Error> {
        self.join().await?;
        self.settle().await?;
        self.fleet.produce(self.venue, self.options).await?;
        if let Some(burst) = &burst {
            self.fleet.watch(self.venue, burst).await?;
        }
        for cue in script.cues() {
            // Without anybody nothing moves, and only the next one can change that.
            if !self.fleet.is_deserted() {
                self.reach(cue.percent).await?;
            }
            match cue.act {
                Act::Join => {
                    self.join().await?;
                    self.settle().await?;
                }
                Act::Kill => {
                    self.settle().await?;
                    self.kill().await?;
                }
                Act::Leave => {
                    self.settle().await?;
                    self.is_settled = false;
                    self.fleet.leave().await?;
                    self.settle().await?;
                }
            }
        }
        let Load { mut acknowledged, mut failed, .. } = self.finish(0).await?;
        let mut updates = self.options.updates;
        let mut scaling = None;
        if let Some(burst) = burst {
            scaling = Some(self.scale(&burst).await?);
            let load = self.finish(acknowledged).await?;
            updates += burst.updates;
            acknowledged += load.acknowledged;
            failed += load.failed;
        }
        let routing = self.fleet.routing().await?;
        self.fleet.finish().await?;
        Ok(Outcome { updates, acknowledged, failed, routing, kills: self.kills, scaling })
    }

    async fn join(&mut self) -> Result<(), Error> {
        self.is_settled = false;
        self.fleet.join(self.venue, self.options).await
    }

    /// Waits until so much is processed.
    async fn reach(&mut self, percent: u8) -> Result<(), Error> {
        let wanted = self.options.updates * u64::from(percent) / 100;
        let mut stall = Stall::new();
        loop {
            let processed = self.view.borrow().processed;
            if processed >= wanted {
                return Ok(());
            }
            if stall.is_given_up(processed) {
                let last = format!("{processed} of {wanted} are processed, and no more come");
                return Err(timeout(&format!("Progress to {percent}%"), last));
            }
            self.tick().await?;
        }
    }

    /// Waits until each partition has exactly one owner, everybody has a fair share, and the owners have said so.
    async fn settle(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        let mut owned_since = None;
        while !self.is_settled && !self.fleet.is_deserted() {
            let assignments = self.fleet.assignments().await?;
            let shares: Vec<_> = assignments.values().map(|assignment| assignment.partitions.len()).collect();
            let owners = owners(&assignments);
            if is_fair(&shares, self.venue.partitions) && owners.len() == shares.iter().sum::<usize>() {
                let since = *owned_since.get_or_insert_with(Instant::now);
                if owners == self.stage.reported_owners() || since.elapsed() > REPORT_TIMEOUT {
                    self.stage.tell(What::Settled { owners });
                    self.is_settled = true;
                }
            } else if began.elapsed() > PATIENCE {
                return Err(timeout(
                    "A fair share of the partitions for everybody",
                    format!("the last was {owners:?}"),
                ));
            } else {
                owned_since = None;
            }
            self.tick().await?;
        }
        Ok(())
    }

    /// Kills the consumer that has the symbol's partition, in the middle of its work.
    async fn kill(&mut self) -> Result<(), Error> {
        let Route { symbol, partition, .. } = self.victims_route().await?;
        let began = Instant::now();
        let (member, its, in_flight) = loop {
            let assignments = self.fleet.assignments().await?;
            let owner = assignments.into_iter().find(|(_, a)| a.partitions.iter().any(|p| p.partition == partition));
            let Some((member, assignment)) = owner else {
                if began.elapsed() > PATIENCE {
                    return Err(timeout(&format!("An owner of partition {partition}"), String::new()));
                }
                self.tick().await?;
                continue;
            };
            let in_flight = assignment.partitions.iter().map(|owned| owned.in_flight).sum();
            if in_flight > 0 || began.elapsed() > VICTIM_TIMEOUT {
                break (member, assignment.partitions, in_flight);
            }
            // Its work comes and goes within milliseconds: ask again at once.
            self.fleet.check().await?;
        };
        let pid = self.fleet.kill(&member).await?;
        self.is_settled = false;
        let view = self.look().await?;
        let next = |partition| view.partitions.iter().find(|view| view.partition == partition)?.committed;
        let committed: BTreeMap<_, _> =
            its.iter().map(|owned| (owned.partition, next(owned.partition).unwrap_or(0))).collect();
        self.kills.push(Kill { member: member.clone(), committed: committed.clone() });
        self.stage.tell(What::Killed { member, pid, symbol, partition, in_flight, committed });
        Ok(())
    }

    /// Where the symbol goes whose consumer is killed; if it is not among those sent, the most frequent one.
    async fn victims_route(&mut self) -> Result<Route, Error> {
        let began = Instant::now();
        loop {
            let routing = self.fleet.routing().await?;
            let famous = routing.iter().find(|route| route.symbol == VICTIM_SYMBOL);
            if let Some(route) = famous.or_else(|| routing.iter().max_by_key(|route| route.updates)) {
                return Ok(route.clone());
            }
            if began.elapsed() > PATIENCE {
                return Err(timeout("A first acknowledged update", String::new()));
            }
            self.tick().await?;
        }
    }

    /// Waits until all is sent, on top of what was `before`, processed and committed, or nothing moves any more: then
    /// the audit tells the rest.
    async fn finish(&mut self, before: u64) -> Result<Load, Error> {
        let mut stall = Stall::new();
        loop {
            let (sent, processed, missing) = {
                let view = self.view.borrow();
                (view.sent, view.processed, view.missing())
            };
            if let Some(load) = self.load.filter(|load| !load.running) {
                if missing == 0 && sent >= before + load.acknowledged {
                    self.stage.tell(What::AllProcessed);
                    return Ok(load);
                }
                if stall.is_given_up(processed + sent) {
                    self.stage.tell(What::Stalled { missing });
                    return Ok(load);
                }
            } else if stall.is_given_up(sent) {
                return Err(timeout("The end of sending", format!("{sent} are sent, and no more come")));
            }
            self.tick().await?;
        }
    }

    /// Looks at the offsets now, and not when the watcher next does.
    async fn look(&self) -> Result<View, Error> {
        let watcher = self.watcher.clone();
        let looked = tokio::task::spawn_blocking(move || watcher.look()).await;
        looked.map_err(|error| Error::io("looking at the offsets", std::io::Error::other(error)))?
    }

    /// A moment between two looks at a condition.
    async fn tick(&mut self) -> Result<(), Error> {
        self.fleet.check().await?;
        if self.glanced.elapsed() >= GLANCE {
            self.glanced = Instant::now();
            let is_running = self.load.is_none_or(|load| load.running);
            if is_running {
                self.load = self.fleet.load().await?;
                self.stage.screen().routing(&self.fleet.routing().await?);
            }
            if let Some(load) = self.load.filter(|load| is_running && !load.running) {
                self.stage.tell(What::AllSent { updates: load.acknowledged });
            }
        }
        tokio::time::sleep(TICK).await;
        Ok(())
    }
}

/// Notices when a number does not change for too long.
#[derive(Debug)]
struct Stall {
    last: u64,
    since: Instant,
}

impl Stall {
    fn new() -> Self {
        Self { last: 0, since: Instant::now() }
    }

    fn is_given_up(&mut self, now: u64) -> bool {
        if now != self.last {
            *self = Self { last: now, since: Instant::now() };
        }
        self.since.elapsed() > PATIENCE
    }
}

fn owners(assignments: &BTreeMap<String, Assignment>) -> BTreeMap<i32, String> {
    let its = |(member, assignment): (&String, &Assignment)| {
        assignment.partitions.iter().map(|owned| (owned.partition, member.clone())).collect::<Vec<_>>()
    };
    assignments.iter().flat_map(its).collect()
}

/// Whether these are all partitions, and nobody has two more than another.
fn is_fair(shares: &[usize], partitions: i32) -> bool {
    let all = usize::try_from(partitions).unwrap_or(0);
    shares.iter().sum::<usize>() == all
        && shares.iter().max().zip(shares.iter().min()).is_some_and(|(most, least)| most - least <= 1)
}

fn timeout(awaited: &str, last: String) -> Error {
    Error::Timeout { awaited: awaited.to_owned(), seconds: PATIENCE.as_secs(), last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_settled_when_all_partitions_are_shared_out_fairly() {
        assert!(is_fair(&[3], 3) && is_fair(&[1, 1, 1], 3) && is_fair(&[2, 1], 3) && is_fair(&[1, 1, 1, 0], 3));
        assert!(!is_fair(&[3, 0], 3), "the second has not got its share yet");
        assert!(!is_fair(&[1, 1], 3), "one is on its way");
        assert!(!is_fair(&[], 3) && !is_fair(&[2, 2], 3));
    }
}
