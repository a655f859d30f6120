//! One partition this member has: its lanes, and how far their work is done.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::commit_metadata::{CommitMetadata, now_ms};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::cursor::Cursor;
use crate::gate::Gate;
use crate::handler::Handler;
use crate::lane::{Lane, Workshop};
use crate::record::{Record, lane_of};
use crate::watermark::Watermark;
use crate::window::Window;

/// So many records go to a lane at a time, at most.
const BATCH: usize = 128;

/// Records with bytes on the heap, which are poison, may hold so many of them in flight.
const MAX_HEAP_BYTES: usize = 8 * 1024 * 1024;

/// A pause that was shorter shows that the work is quick: waiting costs less than fetching again.
const QUICK_PAUSE: Duration = Duration::from_millis(50);

/// A broker that refuses a partition says so again within this time of a new fetch.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);

/// How much a partition may have in flight, in how many lanes, and how much of it is worked on at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Lanes of a partition.
    pub lanes: u32,
    /// Updates that all partitions together have in work at once, if there is a limit.
    pub workers: Option<u32>,
    /// Records of a partition that are taken and not done.
    pub in_flight: usize,
}

impl Limits {
    /// How many records a partition needs in its lanes lest any idle, where so many partitions have work: one in work
    /// and one next, for each lane or for each of the workers that are its share.
    fn needed(&self, busy: usize) -> usize {
        let share = self.workers.map(|workers| (2 * workers as usize).div_ceil(busy.max(1)));
        share.unwrap_or(usize::MAX).min(2 * self.lanes as usize)
    }
}

/// A partition and its work.
#[derive(Debug)]
pub struct Partition {
    limits: Limits,
    /// Whether what comes is what shall come.
    pub cursor: Cursor,
    gate: Arc<Gate>,
    lanes: Vec<LaneQueue>,
    watermark: Watermark,
    window: Window,
    /// Taken from the client and not in a lane yet.
    waiting: VecDeque<Record>,
    /// What `waiting` and the lanes hold on the heap, at most.
    heap_bytes: usize,
    /// What the broker has, as far as is known.
    committed: Option<i64>,
    paused_at: Option<Instant>,
    quick: bool,
    /// How long its records waited when it moved here.
    moved_after: Option<Duration>,
    /// Whether the broker refused it after the last record that it gave.
    refusal: Option<Refusal>,
}

/// The broker does not let a partition be read.
#[derive(Debug)]
enum Refusal {
    /// It said so.
    Told,
    /// It is asked whether it still does not, since then.
    Asked(Instant),
}

#[derive(Debug)]
struct LaneQueue {
    batch: Vec<Record>,
    queue: UnboundedSender<Vec<Record>>,
    task: JoinHandle<()>,
}

impl Partition {
    /// Begins with the offset that is committed and the timestamp of the last record below it, as one of so many.
    pub fn begin<H: Handler>(
        committed: Option<i64>,
        done_ms: Option<i64>,
        limits: Limits,
        partitions: usize,
        workshop: &Arc<Workshop<H>>,
        runtime: &Handle,
    ) -> Self {
        let gate = Arc::new(Gate::new(limits.lanes));
        let lanes = (0..limits.lanes)
            .map(|index| {
                let (queue, records) = unbounded_channel();
                let lane = Lane::new(index, Arc::clone(&gate), Arc::clone(workshop), records);
                LaneQueue { batch: Vec::new(), queue, task: runtime.spawn(lane.run()) }
            })
            .collect();
        Self {
            limits,
            cursor: Cursor::default(),
            gate,
            lanes,
            watermark: Watermark::new(committed, done_ms),
            window: Window::new(limits.needed(partitions), limits.in_flight, Instant::now()),
            waiting: VecDeque::new(),
            heap_bytes: 0,
            committed,
            paused_at: None,
            quick: true,
            moved_after: None,
            refusal: None,
        }
    }

    /// Takes a record: it goes to its key's lane, or waits until the window lets it in.
    pub fn take(&mut self, record: Record) {
        self.heap_bytes += record.heap_bytes();
        self.refusal = None;
        if self.waiting.is_empty() && self.watermark.in_flight() < self.window.size() {
            self.hand_out(record);
        } else {
            self.waiting.push_back(record);
        }
    }

    fn hand_out(&mut self, record: Record) {
        let key = match &record {
            Record::Update(update) => update.quote.symbol.as_bytes(),
            Record::Poison(poison) => poison.key.as_deref().unwrap_or_default(),
        };
        let lane = lane_of(key, self.limits.lanes);
        let Some(queue) = self.lanes.get_mut(lane as usize) else {
            return;
        };
        self.watermark.handed_out(record.offset(), record.timestamp_ms(), lane, record.heap_bytes());
        queue.batch.push(record);
        if queue.batch.len() >= BATCH {
            queue.flush();
        }
    }

    /// Lets all that was handed out begin.
    pub fn flush(&mut self) {
        self.lanes.iter_mut().for_each(LaneQueue::flush);
    }

    /// Looks how far the work is done, and hands out what the window has room for.
    pub fn advance(&mut self) {
        let done = self.watermark.advance(|lane| self.gate.finished(lane));
        self.heap_bytes -= done.heap_bytes;
        self.window.note(done.records, !self.waiting.is_empty(), Instant::now());
        while self.watermark.in_flight() < self.window.size()
            && let Some(record) = self.waiting.pop_front()
        {
            self.hand_out(record);
        }
    }

    /// Whether there is anything to do.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.taken() > 0
    }

    /// Notes how many of the member's partitions have work.
    pub fn shares_with(&mut self, busy: usize) {
        self.window.set_least(self.limits.needed(busy));
    }

    /// Whether as much is in flight as may be.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.taken() >= self.limits.in_flight || self.heap_bytes >= MAX_HEAP_BYTES
    }

    /// Whether there is room for a good deal more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.taken() <= self.limits.in_flight / 2 && self.heap_bytes <= MAX_HEAP_BYTES / 2
    }

    fn taken(&self) -> usize {
        self.watermark.in_flight() + self.waiting.len()
    }

    /// Whether room is worth waiting for when it is full.
    #[must_use]
    pub fn is_quick(&self) -> bool {
        self.quick
    }

    /// Notes that the client fetches no more of it.
    pub fn paused(&mut self) {
        (self.paused_at, self.quick) = (Some(Instant::now()), false);
    }

    /// Notes that the client fetches of it again.
    pub fn resumed(&mut self) {
        self.quick = self.paused_at.take().is_some_and(|paused| paused.elapsed() < QUICK_PAUSE);
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused_at.is_some()
    }

    /// Notes that the broker does not let it be read.
    pub fn refused(&mut self) {
        self.refusal = Some(Refusal::Told);
    }

    /// Whether the broker does not let it be read.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }

    /// Finds out whether the broker still refuses it: returns the offset to fetch from again, once for each time that
    /// the broker said so. No refusal after that is its end; without traffic nothing else would show it.
    pub fn review_refusal(&mut self) -> Option<i64> {
        match self.refusal {
            // Nothing of a paused one is fetched, so nothing is said of it either.
            Some(_) if self.is_paused() => self.refusal = Some(Refusal::Told),
            Some(Refusal::Told) => {
                self.refusal = Some(Refusal::Asked(Instant::now()));
                return self.cursor.next();
            }
            Some(Refusal::Asked(since)) if since.elapsed() >= REFUSAL_PATIENCE => self.refusal = None,
            Some(Refusal::Asked(_)) | None => {}
        }
        None
    }

    /// Whether a lane ended though nothing told it to: its task panicked.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.lanes.iter().any(|lane| lane.task.is_finished())
    }

    /// Lets nothing begin any more but what lies below the highest begun offset, which is returned.
    ///
    /// Who has the partition next does the rest.
    pub fn close(&mut self) -> i64 {
        self.waiting.clear();
        // Some of what lies below the limit may not be in its lane yet.
        self.flush();
        self.gate.close()
    }

    /// Ends what still runs.
    pub fn abort(&self) {
        self.lanes.iter().for_each(|lane| lane.task.abort());
    }

    /// How far its work is done.
    #[must_use]
    pub fn watermark(&self) -> &Watermark {
        &self.watermark
    }

    /// What the broker has, as far as is known.
    #[must_use]
    pub fn committed(&self) -> Option<i64> {
        self.committed
    }

    /// Notes that the broker has this offset.
    pub fn set_committed(&mut self, offset: i64) {
        self.committed = Some(offset);
    }

    /// The offset to commit, if the broker does not have it.
    #[must_use]
    pub fn uncommitted(&self) -> Option<i64> {
        self.watermark.done().filter(|done| self.committed != Some(*done))
    }

    /// Notes how long its records waited when it moved here.
    pub fn moved_after(&mut self, pause: Duration) {
        self.moved_after = Some(pause);
    }

    /// What goes with a commit.
    #[must_use]
    pub fn metadata(&self, member: &str) -> CommitMetadata {
        let pause_ms = self.moved_after.and_then(|pause| u64::try_from(pause.as_millis()).ok());
        CommitMetadata { member: member.to_owned(), done_ms: self.watermark.done_ms(), at_ms: now_ms(), pause_ms }
    }
}

impl LaneQueue {
    fn flush(&mut self) {
        if !self.batch.is_empty() {
            // A lane whose gate is closed takes nothing any more; what it does not take is not committed.
            let _ = self.queue.send(std::mem::take(&mut self.batch));
        }
    }
}
