//! The thread that owns the client: it polls, hands out, commits, and leaves the group in the end.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::assignment::PartitionView;
use crate::context::{Context, State};
use crate::cursor::Step;
use crate::fetch::{Batch, Fetch, Message};
use crate::handler::Handler;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::record::Record;

/// How often everything but handing out is seen to.
const TICK: Duration = Duration::from_millis(20);

/// How often the view for `GET /assignment` is made.
const VIEW_INTERVAL: Duration = Duration::from_millis(200);

/// How often it is looked whether rights that are missing still are.
const REVIEW_INTERVAL: Duration = Duration::from_secs(1);

/// So many records are taken before anything else is seen to, at most.
const BURST: usize = 1024;

/// So many of the client's events are served before records are, at most.
const EVENTS: usize = 8;

/// How long room in a partition whose work is quick is waited for before it is paused.
const QUICK_WAIT: Duration = Duration::from_millis(10);

/// How often such room is looked for.
const QUICK_TICK: Duration = Duration::from_micros(100);

/// How the partitions stand, for whoever asks.
pub type View = Arc<RwLock<Vec<PartitionView>>>;

/// A member of the group.
pub struct Member<H: Handler> {
    // Before the client, which cannot end while records of its are about.
    fetch: Arc<Fetch>,
    consumer: BaseConsumer<Context<H>>,
    outbound: Arc<Outbound>,
    metrics: Metrics,
    commit_interval: Duration,
    bootstrap_servers: String,
    view: View,
    /// Counts the batches that were taken.
    batch: u64,
    ticked: Instant,
    committed: Instant,
    viewed: Instant,
    reviewed: Instant,
}

impl<H: Handler> Member<H> {
    /// A member with a client that has subscribed.
    #[must_use]
    pub fn new(
        consumer: BaseConsumer<Context<H>>,
        fetch: Arc<Fetch>,
        outbound: Arc<Outbound>,
        metrics: Metrics,
        commit_interval: Duration,
        bootstrap_servers: String,
        view: View,
    ) -> Self {
        let now = Instant::now();
        Self {
            fetch,
            consumer,
            outbound,
            metrics,
            commit_interval,
            bootstrap_servers,
            view,
            batch: 0,
            ticked: now,
            committed: now,
            viewed: now,
            reviewed: now,
        }
    }

    /// Blocks until `shutdown`, then hands everything over and leaves the group.
    ///
    /// # Errors
    /// Where the client or a lane cannot go on. Then nothing is handed over: whoever has the partitions
    /// next begins at what is committed.
    pub fn run(mut self, shutdown: &CancellationToken) -> Result<(), Error> {
        let result = self.poll(shutdown);
        let context = Arc::clone(self.consumer.context());
        let all = context.state().assignment.ids();
        match result {
            Ok(()) => {
                context.hand_over(&self.consumer, &all);
                context.close();
                drop(self.fetch);
                if context.connection.is_away() {
                    // Leaving would wait for the broker (and librdkafka 2.12 may crash over it).
                    tracing::warn!("Kafka is away: not leaving the group, it will notice by itself");
                    std::mem::forget(self.consumer);
                } else {
                    drop(self.consumer);
                    tracing::info!("left the group");
                }
                Ok(())
            }
            Err(error) => {
                context.state().assignment.discard(&all);
                std::mem::forget(self.consumer);
                Err(error)
            }
        }
    }

    fn poll(&mut self, shutdown: &CancellationToken) -> Result<(), Error> {
        let context = Arc::clone(self.consumer.context());
        let mut batch = Batch::with_capacity(BURST);
        while !shutdown.is_cancelled() {
            self.serve_events();
            batch.take(&self.fetch);
            if batch.is_empty() {
                context.state().assignment.flush();
                batch.wait(&self.fetch, TICK);
            }
            self.batch += 1;
            let mut state = context.state();
            for message in batch.iter() {
                self.receive(&mut state, message);
            }
            drop(state);
            batch.clear();
            if self.ticked.elapsed() >= TICK {
                self.ticked = Instant::now();
                self.tick()?;
            }
        }
        Ok(())
    }

    /// Lets the client call back: rebalances, errors, statistics.
    fn serve_events(&mut self) {
        for _ in 0..EVENTS {
            self.batch += 1;
            match self.consumer.poll(Duration::ZERO) {
                None => {}
                // The context has heard of it already, with the reason.
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    self.consumer.context().connection.fatal_error(&code.to_string());
                }
                Some(Err(_)) => {}
                Some(Ok(message)) => {
                    if let Some(message) = Message::polled(&message) {
                        self.receive(&mut self.consumer.context().state(), message);
                    }
                }
            }
        }
    }

    fn receive(&self, state: &mut State<H>, message: Message<'_>) {
        let (id, offset, timestamp_ms) = (message.partition(), message.offset(), message.timestamp_ms());
        let context = self.consumer.context();
        let Some(partition) = state.assignment.get_mut(id) else {
            return;
        };
        if let Some((error, reason)) = message.error() {
            partition.cursor.failed_at(offset);
            return match context.note_refusal(&error) {
                true => partition.refused(),
                false => context.connection.complain(&format!("partition {id}: {reason}")),
            };
        }
        match partition.cursor.step(self.batch, offset, timestamp_ms) {
            Step::Take => {}
            Step::Drop => return,
            Step::Rewind(to) => return self.rewind(id, to),
            Step::Fell => {
                let reason = format!("the log of partition {id} was cut or made anew: offset {offset} came again");
                return context.connection.fatal_error(&reason);
            }
        }
        for arrival in &mut state.arrivals {
            if let Some(pause) = arrival.handed_out(id, timestamp_ms, &self.metrics) {
                partition.moved_after(pause);
            }
        }
        if state.assignment.take(id, Record::read(message)) {
            self.make_room(state, id);
        }
    }

    /// Lets the client fetch a partition from an offset on.
    fn rewind(&self, id: i32, to: i64) {
        let context = self.consumer.context();
        if let Err(error) = self.consumer.seek(context.topic(), id, Offset::Offset(to), Duration::ZERO) {
            // Without it a record might be left out.
            context.connection.fatal_error(&format!("partition {id} cannot be read again from offset {to}: {error}"));
        }
    }

    /// Waits a moment for a partition's work, and pauses it if that does not help.
    fn make_room(&self, state: &mut State<H>, id: i32) {
        let begun = Instant::now();
        loop {
            let Some(partition) = state.assignment.get_mut(id) else {
                return;
            };
            partition.flush();
            partition.advance();
            // What is left of a batch still comes after the pause.
            if partition.has_room() || partition.is_paused() {
                return;
            }
            if !partition.is_quick() || begun.elapsed() >= QUICK_WAIT {
                partition.paused();
                break;
            }
            std::thread::sleep(QUICK_TICK);
        }
        if let Err(error) = self.consumer.pause(&self.consumer.context().offsets_of(&[id])) {
            tracing::warn!("partition {id} cannot be paused: {error}");
        }
    }

    fn tick(&mut self) -> Result<(), Error> {
        let context = Arc::clone(self.consumer.context());
        if let Some(fatal) = context.connection.fatal().or_else(|| self.outbound.fatal()) {
            if let Some((code, _)) = self.consumer.client().fatal_error() {
                context.note_refusal(&KafkaError::Global(code));
            }
            return Err(Error::Fatal(fatal));
        }
        self.outbound.review();
        let mut roomy = Vec::new();
        let mut state = context.state();
        state.assignment.flush();
        state.assignment.advance();
        let (mut in_flight, mut paused) = (0, 0);
        for (id, partition) in state.assignment.iter_mut() {
            if partition.is_broken() {
                return Err(Error::Lane(id));
            }
            if partition.is_paused() && partition.has_room() {
                partition.resumed();
                roomy.push(id);
            }
            in_flight += partition.watermark().in_flight();
            paused += usize::from(partition.is_paused());
        }
        state.arrivals.retain(|arrival| {
            let is_complete = arrival.is_complete();
            if is_complete {
                arrival.tell();
            }
            !is_complete
        });
        if self.viewed.elapsed() >= VIEW_INTERVAL {
            self.viewed = Instant::now();
            *self.view.write().unwrap_or_else(PoisonError::into_inner) = state.assignment.view();
        }
        drop(state);
        self.metrics.standing(in_flight, paused, context.connection.is_up());
        if !roomy.is_empty()
            && let Err(error) = self.consumer.resume(&context.offsets_of(&roomy))
        {
            tracing::warn!("partitions {roomy:?} cannot be resumed: {error}");
        }
        if self.reviewed.elapsed() >= REVIEW_INTERVAL {
            self.reviewed = Instant::now();
            context.review_rights(&self.consumer);
            context.connection.brokers.recall(self.consumer.client(), &self.bootstrap_servers);
        }
        context.take_answer();
        if self.committed.elapsed() >= self.commit_interval {
            self.committed = Instant::now();
            context.commit(&self.consumer);
        }
        Ok(())
    }
}
