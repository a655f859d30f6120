//! Handlers that are slow, that fail, and what the lanes promise them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use consumer::handler::{Handler, HandlerError, Receipt};
use consumer::record::Update;
use tokio::sync::Semaphore;

use testing::{eventually, for_a_time};

use crate::harness::{Feed, Member, Venue};

/// Watches the order and the overlap of what it is given.
#[derive(Default)]
struct Watch {
    last: Mutex<HashMap<String, u64>>,
    busy: Mutex<HashMap<String, bool>>,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    wrong: AtomicU64,
}

impl Handler for Watch {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        let symbol = update.quote.symbol.to_string();
        let overlaps = self.busy.lock().unwrap().insert(symbol.clone(), true) == Some(true);
        let sequence = update.sequence.unwrap();
        let before = self.last.lock().unwrap().insert(symbol.clone(), sequence).unwrap_or(0);
        if overlaps || sequence != before + 1 {
            self.wrong.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_at_once.fetch_max(now, Ordering::Relaxed);
        for_a_time(Duration::from_millis(1)).await;
        self.at_once.fetch_sub(1, Ordering::Relaxed);
        self.busy.lock().unwrap().insert(symbol, false);
        Ok(Receipt::Done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_symbols_run_side_by_side_and_each_in_order() {
    let venue = Venue::open("lanes", 2).await;
    Feed::new(&venue).send(5_000, 1_000).await;
    let watch = Arc::new(Watch::default());
    let member = Member::join_with(&venue, "member", &[("LANES", "8")], Arc::clone(&watch)).await;
    venue.drained().await;
    member.leave().await;
    assert_eq!(watch.wrong.load(Ordering::Relaxed), 0);
    assert_eq!(watch.last.lock().unwrap().values().sum::<u64>(), 5_000);
    let most = watch.most_at_once.load(Ordering::Relaxed);
    assert!((8..=16).contains(&most), "{most} at once in 2 partitions of 8 lanes");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lane_keeps_a_whole_partition_in_order() {
    let venue = Venue::open("one-lane", 1).await;
    Feed::new(&venue).send(200, 20).await;
    let watch = Arc::new(Watch::default());
    let member = Member::join_with(&venue, "member", &[("LANES", "1")], Arc::clone(&watch)).await;
    venue.drained().await;
    member.leave().await;
    assert_eq!(watch.most_at_once.load(Ordering::Relaxed), 1);
}

/// Begins at once, ends when it is let.
struct Gated {
    permits: Semaphore,
    begun: AtomicUsize,
    done: AtomicUsize,
}

impl Gated {
    fn new() -> Arc<Self> {
        Arc::new(Self { permits: Semaphore::new(0), begun: AtomicUsize::new(0), done: AtomicUsize::new(0) })
    }
}

impl Handler for Gated {
    async fn handle(&self, _: &Update) -> Result<Receipt, HandlerError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        self.done.fetch_add(1, Ordering::SeqCst);
        Ok(Receipt::Done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_finishes_what_has_begun_and_begins_nothing_more() {
    let venue = Venue::open("slow", 1).await;
    Feed::new(&venue).send(100, 1).await;
    let slow = Gated::new();
    let member = Member::join_with(&venue, "slow", &[("DRAIN_TIMEOUT", "20s")], Arc::clone(&slow)).await;
    eventually("the first update to begin", async || (slow.begun.load(Ordering::SeqCst) == 1).then_some(())).await;
    let leaving = tokio::spawn(member.leave());
    for_a_time(Duration::from_millis(300)).await;
    assert!(!leaving.is_finished(), "it waits for what has begun");
    slow.permits.add_permits(100);
    leaving.await.unwrap();
    assert_eq!((slow.begun.load(Ordering::SeqCst), slow.done.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(venue.committed().await[0].1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_hand_over_cannot_finish_in_time_is_done_by_the_next_owner() {
    let venue = Venue::open("stuck", 1).await;
    let sent = 20;
    Feed::new(&venue).send(sent, 4).await;
    let stuck = Gated::new();
    let member = Member::join_with(&venue, "stuck", &[("DRAIN_TIMEOUT", "200ms")], Arc::clone(&stuck)).await;
    eventually("an update to begin", async || (stuck.begun.load(Ordering::SeqCst) > 0).then_some(())).await;
    member.leave().await;
    assert_eq!(stuck.done.load(Ordering::SeqCst), 0);
    let heir = Member::join(&venue, "heir", &[]).await;
    venue.drained().await;
    heir.leave().await;
    venue.assert_perfect(sent).await;
}

/// Fails a while, then works.
#[derive(Default)]
struct Flaky {
    works: AtomicBool,
    attempts: AtomicU64,
    order: Mutex<Vec<u64>>,
}

impl Handler for Flaky {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        if !self.works.load(Ordering::Relaxed) {
            return Err(HandlerError::Transient("the database is away".into()));
        }
        self.order.lock().unwrap().push(update.sequence.unwrap());
        Ok(Receipt::Done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transient_error_is_retried_and_its_partition_holds() {
    let venue = Venue::open("flaky", 1).await;
    Feed::new(&venue).send(50, 1).await;
    let flaky = Arc::new(Flaky::default());
    let member = Member::join_with(&venue, "flaky", &[], Arc::clone(&flaky)).await;
    member.reaches("consumer_retries_total", 3.0).await;
    assert!(venue.committed().await.is_empty(), "nothing is done");
    assert_eq!(member.metric("consumer_dead_letters_total{reason=\"rejected\"}").await, 0.0);
    flaky.works.store(true, Ordering::Relaxed);
    venue.drained().await;
    member.leave().await;
    assert_eq!(*flaky.order.lock().unwrap(), (1..=50).collect::<Vec<_>>());
}

/// Confirms late, and at first not at all: what came later must not overtake.
#[derive(Default)]
struct Unsure {
    refusals: AtomicU64,
    confirmed: Arc<Mutex<Vec<u64>>>,
}

impl Handler for Unsure {
    async fn handle(&self, update: &Update) -> Result<Receipt, HandlerError> {
        let sequence = update.sequence.unwrap();
        let refused = sequence == 3 && self.refusals.fetch_add(1, Ordering::Relaxed) < 2;
        let confirmed = Arc::clone(&self.confirmed);
        Ok(Receipt::Pending(Box::pin(async move {
            for_a_time(Duration::from_millis(5)).await;
            if refused {
                return Err(HandlerError::Transient("not acknowledged".into()));
            }
            confirmed.lock().unwrap().push(sequence);
            Ok(())
        })))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_whose_confirmation_fails_is_done_again_and_only_then_committed() {
    let venue = Venue::open("unsure", 1).await;
    Feed::new(&venue).send(6, 1).await;
    let unsure = Arc::new(Unsure::default());
    let member = Member::join_with(&venue, "unsure", &[], Arc::clone(&unsure)).await;
    venue.drained().await;
    assert_eq!(member.metric("consumer_retries_total").await, 2.0);
    member.leave().await;
    let mut confirmed = unsure.confirmed.lock().unwrap().clone();
    confirmed.sort_unstable();
    assert_eq!(confirmed, [1, 2, 3, 4, 5, 6]);
}
