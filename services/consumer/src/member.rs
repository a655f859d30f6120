//! The thread that owns the client: it polls, hands out, commits, and leaves the group in the end.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::assignment::PartitionView;
use crate::context::Context;
use crate::handler::Handler;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::record::Record;

/// How often everything but handing out is seen to.
const TICK: Duration = Duration::from_millis(20);

/// How often the view for `GET /assignment` is made.
const VIEW_INTERVAL: Duration = Duration::from_millis(200);

/// So many records are taken before anything else is seen to, at most.
const BURST: u32 = 1024;

/// How long room in a partition whose work is quick is waited for before it is paused.
const QUICK_WAIT: Duration = Duration::from_millis(10);

/// How often such room is looked for.
const QUICK_TICK: Duration = Duration::from_micros(100);

/// How the partitions stand, for whoever asks.
pub type View = Arc<RwLock<Vec<PartitionView>>>;

/// A member of the group.
pub struct Member<H: Handler> {
    consumer: BaseConsumer<Context<H>>,
    outbound: Arc<Outbound>,
    metrics: Metrics,
    commit_interval: Duration,
    view: View,
    ticked: Instant,
    committed: Instant,
    viewed: Instant,
}

impl<H: Handler> Member<H> {
    /// A member with a client that has subscribed.
    #[must_use]
    pub fn new(
        consumer: BaseConsumer<Context<H>>,
        outbound: Arc<Outbound>,
        metrics: Metrics,
        commit_interval: Duration,
        view: View,
    ) -> Self {
        let now = Instant::now();
        Self { consumer, outbound, metrics, commit_interval, view, ticked: now, committed: now, viewed: now }
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
        let mut taken = 0;
        let mut wait = TICK;
        while !shutdown.is_cancelled() {
            match self.consumer.poll(wait) {
                Some(Ok(message)) => {
                    let partition = message.partition();
                    let is_full = {
                        let mut state = self.consumer.context().state();
                        for arrival in &mut state.arrivals {
                            arrival.handed_out(partition, message.timestamp().to_millis().unwrap_or(0), &self.metrics);
                        }
                        state.assignment.hand_out(partition, Record::read(&message))
                    };
                    if is_full {
                        self.make_room(partition);
                    }
                    (taken, wait) = (taken + 1, Duration::ZERO);
                }
                // The context has heard of it already, with the reason.
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                    self.consumer.context().connection.fatal_error(&code.to_string());
                }
                Some(Err(_)) => {}
                None => {
                    self.consumer.context().state().assignment.flush();
                    (taken, wait) = (BURST, TICK);
                }
            }
            if taken >= BURST {
                taken = 0;
                if self.ticked.elapsed() >= TICK {
                    self.ticked = Instant::now();
                    self.tick()?;
                }
            }
        }
        Ok(())
    }

    /// Waits a moment for a partition's work, and pauses it if that does not help.
    fn make_room(&self, id: i32) {
        let begun = Instant::now();
        loop {
            let mut state = self.consumer.context().state();
            let Some(partition) = state.assignment.get_mut(id) else {
                return;
            };
            partition.flush();
            partition.advance();
            if partition.has_room() {
                return;
            }
            if !partition.is_quick() || begun.elapsed() >= QUICK_WAIT {
                partition.paused();
                break;
            }
            drop(state);
            std::thread::sleep(QUICK_TICK);
        }
        if let Err(error) = self.consumer.pause(&self.consumer.context().offsets_of(&[id])) {
            tracing::warn!("partition {id} cannot be paused: {error}");
        }
    }

    fn tick(&mut self) -> Result<(), Error> {
        let context = Arc::clone(self.consumer.context());
        if let Some(fatal) = context.connection.fatal().or_else(|| self.outbound.fatal()) {
            return Err(Error::Fatal(fatal));
        }
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
        context.take_answer();
        if self.committed.elapsed() >= self.commit_interval {
            self.committed = Instant::now();
            context.commit(&self.consumer);
        }
        Ok(())
    }
}
