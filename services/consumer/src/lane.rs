//! One ordered stream of work within a partition.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use common::{backoff, telemetry};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::Instrument as _;

use crate::dead_letters::DeadLetters;
use crate::gate::Gate;
use crate::handler::{Handler, HandlerError, Receipt};
use crate::metrics::{LaneMetrics, Metrics};
use crate::record::{Poison, Record, Update};
use crate::sequence::{Follows, Sequences};
use crate::trace;

/// Waits between attempts at what failed grow from this …
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// … to this.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// So many batches are taken from the queue at a time, at most.
const BATCHES: usize = 64;

/// So many updates may wait for their confirmation at a time, at most.
const UNCONFIRMED: usize = 1000;

/// While a dead letter is not confirmed, it is said this often.
const REMINDER: Duration = Duration::from_secs(30);

/// What all lanes of a member share.
#[derive(Debug)]
pub struct Workshop<H> {
    /// Does the work.
    pub handler: H,
    /// Takes what never can be worked on.
    pub dead_letters: DeadLetters,
    /// Counts.
    pub metrics: Metrics,
    /// The topic and the group, for spans.
    pub topic: String,
    /// The group, for spans.
    pub group: String,
    /// The member's name, for spans.
    pub member: String,
}

/// Works on the records of some of a partition's keys, in order.
pub struct Lane<H> {
    index: u32,
    gate: Arc<Gate>,
    workshop: Arc<Workshop<H>>,
    queue: UnboundedReceiver<Vec<Record>>,
    metrics: LaneMetrics,
    sequences: Sequences,
    unconfirmed: VecDeque<Unconfirmed>,
    /// When it last finished something or got something to do: then the next update's work begins. One look at the
    /// clock per update is enough.
    free_since: Instant,
}

/// Worked on in order, but not known to be safe yet.
struct Unconfirmed {
    update: Update,
    begun: Instant,
    receipt: Pin<Box<dyn Future<Output = Result<(), HandlerError>> + Send>>,
}

impl Unconfirmed {
    /// Its confirmation, if that has come.
    fn confirmed(&mut self) -> Option<Result<(), HandlerError>> {
        match self.receipt.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(confirmed) => Some(confirmed),
            Poll::Pending => None,
        }
    }
}

impl<H: Handler> Lane<H> {
    /// A lane that takes its records from `queue`. What may wait there is bounded by who fills it.
    #[must_use]
    pub fn new(index: u32, gate: Arc<Gate>, workshop: Arc<Workshop<H>>, queue: UnboundedReceiver<Vec<Record>>) -> Self {
        let metrics = workshop.metrics.lane();
        let (sequences, unconfirmed) = (Sequences::default(), VecDeque::new());
        Self { index, gate, workshop, queue, metrics, sequences, unconfirmed, free_since: Instant::now() }
    }

    /// Works until the queue ends or the gate closes.
    pub async fn run(mut self) {
        let mut batches = Vec::new();
        'work: while self.queue.recv_many(&mut batches, BATCHES).await > 0 {
            self.free_since = Instant::now();
            for record in batches.drain(..).flatten() {
                if !self.gate.begin(self.index, record.offset()) {
                    break 'work;
                }
                match record {
                    Record::Update(update) => self.work(update).await,
                    Record::Poison(poison) => self.bury(*poison).await,
                }
            }
            self.confirm_all().await;
            self.metrics.flush();
        }
        self.confirm_all().await;
        self.metrics.flush();
    }

    async fn work(&mut self, mut update: Update) {
        let begun = self.free_since;
        if let Some(sequence) = update.sequence {
            match self.sequences.note(update.quote.symbol, sequence) {
                Follows::InOrder => {}
                Follows::Again => self.workshop.metrics.duplicate(),
                Follows::TooLate => self.workshop.metrics.order_violated(),
            }
        }
        let done = match &update.trace {
            None => self.attempt(&update).await.0,
            Some(trace) => {
                let span = trace::process(&self.workshop, &update, trace);
                let id = telemetry::trace_id(&span);
                let (done, retries) = self.attempt(&update).instrument(span.clone()).await;
                span.record("lagless.retries", retries);
                if let Err(why) = &done {
                    trace::rejected(&span, why);
                }
                if let Some(trace) = &mut update.trace {
                    trace.id = id;
                }
                done
            }
        };
        match done {
            Ok(Receipt::Done) if self.unconfirmed.is_empty() => self.finished(&update, begun),
            Ok(receipt) => {
                let receipt = match receipt {
                    Receipt::Done => Box::pin(std::future::ready(Ok(()))),
                    Receipt::Pending(receipt) => receipt,
                };
                self.unconfirmed.push_back(Unconfirmed { update, begun, receipt });
                self.confirm_ready().await;
            }
            Err(why) => self.bury(update.reject(&why)).await,
        }
    }

    /// Tries until the update is done or turns out to be poison; counts what came after the first attempt.
    async fn attempt(&mut self, update: &Update) -> (Result<Receipt, String>, u32) {
        let mut retries = 0;
        let mut waits = None;
        loop {
            match self.workshop.handler.handle(update).await {
                Ok(receipt) => return (Ok(receipt), retries),
                Err(HandlerError::Poison(why)) => return (Err(why), retries),
                Err(HandlerError::Transient(why)) => {
                    retries += 1;
                    self.workshop.metrics.retried();
                    let (partition, offset) = (update.partition, update.offset);
                    say(retries, || format!("update at {partition}/{offset} failed {retries} times, trying on: {why}"));
                    // What failed here may have cost those before it their confirmation, and they go first.
                    self.confirm_all().await;
                    let waits = waits.get_or_insert_with(|| backoff::exponential(FIRST_WAIT, LONGEST_WAIT));
                    tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                }
            }
        }
    }

    /// Puts poison aside. Until that is done the partition holds: nothing else keeps the record.
    async fn bury(&mut self, poison: Poison) {
        self.confirm_all().await;
        self.metrics.flush();
        let mut retries = 0;
        let mut waits = backoff::exponential(FIRST_WAIT, LONGEST_WAIT);
        loop {
            let topic = self.workshop.dead_letters.topic();
            let at = format!("dead letter of {}/{} to {topic}", poison.partition, poison.offset);
            let mut write = std::pin::pin!(self.workshop.dead_letters.write(&poison));
            let written = loop {
                match tokio::time::timeout(REMINDER, &mut write).await {
                    Ok(written) => break written,
                    Err(_) => tracing::warn!("{at} is not acknowledged yet; its partition holds"),
                }
            };
            match written {
                Ok(()) => break,
                Err(error) => {
                    retries += 1;
                    self.workshop.metrics.retried();
                    say(retries, || format!("{at} failed {retries} times, its partition holds: {error}"));
                    tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                }
            }
        }
        self.free_since = Instant::now();
        self.workshop.metrics.dead_letter(&poison.reason);
        self.gate.finish(self.index, poison.offset);
    }

    fn finished(&mut self, update: &Update, begun: Instant) {
        self.free_since = self.metrics.finished(begun, update);
        self.gate.finish(self.index, update.offset);
    }

    /// Takes off the front what is confirmed by now; waits only where too much is not.
    async fn confirm_ready(&mut self) {
        while let Some(confirmed) = self.unconfirmed.front_mut().and_then(Unconfirmed::confirmed) {
            self.confirmed(confirmed).await;
        }
        if self.unconfirmed.len() >= UNCONFIRMED {
            self.confirm_all().await;
        }
    }

    async fn confirm_all(&mut self) {
        while let Some(front) = self.unconfirmed.front_mut() {
            let confirmed = front.receipt.as_mut().await;
            self.confirmed(confirmed).await;
        }
    }

    async fn confirmed(&mut self, confirmed: Result<(), HandlerError>) {
        let Some(front) = self.unconfirmed.pop_front() else {
            return;
        };
        match confirmed {
            Ok(()) => self.finished(&front.update, front.begun),
            Err(error) => Box::pin(self.again(front, error)).await,
        }
    }

    /// Does again, in order, what was not confirmed; first waits for the fate of all that came after it,
    /// or they would overtake it.
    async fn again(&mut self, first: Unconfirmed, error: HandlerError) {
        let mut fates = vec![(first.update, first.begun, Err(error))];
        for later in std::mem::take(&mut self.unconfirmed) {
            fates.push((later.update, later.begun, later.receipt.await));
        }
        for (update, begun, mut fate) in fates {
            let mut retries = 0;
            let mut waits = backoff::exponential(FIRST_WAIT, LONGEST_WAIT);
            loop {
                fate = match fate {
                    Ok(()) => {
                        self.finished(&update, begun);
                        break;
                    }
                    Err(HandlerError::Poison(why)) => {
                        self.bury(update.reject(&why)).await;
                        break;
                    }
                    Err(HandlerError::Transient(why)) => {
                        retries += 1;
                        self.workshop.metrics.retried();
                        let at = format!("update at {}/{}", update.partition, update.offset);
                        say(retries, || format!("{at} was not confirmed {retries} times, doing it again: {why}"));
                        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
                        match self.attempt(&update).await.0 {
                            Ok(Receipt::Done) => Ok(()),
                            Ok(Receipt::Pending(receipt)) => receipt.await,
                            Err(why) => Err(HandlerError::Poison(why)),
                        }
                    }
                }
            }
        }
    }
}

/// Says that something failed the first, second, fourth, eighth … time.
fn say(times: u32, text: impl FnOnce() -> String) {
    if times.is_power_of_two() {
        tracing::warn!("{}", text());
    }
}
