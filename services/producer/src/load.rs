//! How much is sent and how fast: set at the start, changed while it runs.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::ledger::{Ledger, Totals};
use crate::pace::Pace;

/// The highest rate that can be asked for, in updates per second.
pub const MAX_RATE: u32 = 10_000_000;

/// How many updates are sent before the next look at clock and load: at full speed less than a millisecond's worth.
const TURN: u64 = 256;

/// How long the sender waits at most before it looks whether the client is still good.
const HEARTBEAT: Duration = Duration::from_millis(100);

/// How often the sender looks whether the last acknowledgements are there.
const SETTLING: Duration = Duration::from_millis(2);

/// A run of updates, as `GET /load` shows it. The counts are of this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Load {
    /// Whether updates are still to be sent or acknowledged.
    pub running: bool,
    /// Updates per second, 0 for as fast as it can.
    pub rate: u32,
    /// Updates of the run, 0 for no end.
    pub updates: u64,
    /// How many were sent.
    pub sent: u64,
    /// How many of these Kafka has for certain.
    pub acknowledged: u64,
    /// How many of these Kafka refused for good.
    pub failed: u64,
}

/// What `PUT /load` takes: what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// See [`Load::rate`].
    pub rate: Option<u32>,
    /// See [`Load::updates`].
    pub updates: Option<u64>,
}

impl Change {
    /// Reads a request's body.
    ///
    /// # Errors
    /// What is wrong with it, for the one who asked.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let change: Self = serde_json::from_slice(body)
            .map_err(|error| format!(r#"expected JSON such as {{"rate": 500, "updates": 10000}}: {error}"#))?;
        match change.rate {
            Some(rate) if rate > MAX_RATE => Err(format!("rate is {rate}, expected at most {MAX_RATE} per second")),
            _ => Ok(change),
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// What became of its updates.
    pub(crate) totals: Totals,
    /// From the first update to the last acknowledgement.
    pub(crate) time: Duration,
}

/// What the sender is to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Send so many updates.
    Send(u64),
    /// Nothing for now; ask again.
    Wait,
    /// The run is over, all has been answered.
    Over(Run),
    /// No more, ever.
    Stop,
}

/// The load, shared by the sender and by those who change it.
#[derive(Debug)]
pub(crate) struct Control {
    ledger: Arc<Ledger>,
    stay: bool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    rate: u32,
    updates: u64,
    /// What had been sent before this run began.
    before: Totals,
    began: Instant,
    pace: Pace,
    running: bool,
    stopping: bool,
}

impl Control {
    /// The load of a process that has just started; it is running.
    pub(crate) fn new(ledger: Arc<Ledger>, rate: u32, updates: u64, stay: bool) -> Self {
        let now = Instant::now();
        let (before, pace) = (Totals::default(), Pace::new(rate, now));
        let state = State { rate, updates, before, began: now, pace, running: true, stopping: false };
        ledger.metrics().load_is(rate, true);
        Self { ledger, stay, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Starts the run's clock: until now it waited for the topic.
    pub(crate) fn begin(&self) {
        let (mut state, now) = (self.lock(), Instant::now());
        (state.began, state.pace) = (now, Pace::new(state.rate, now));
    }

    /// What goes on.
    pub(crate) fn load(&self) -> Load {
        self.view(&self.lock())
    }

    /// Changes the run that is under way, or starts the next one.
    pub(crate) fn change(&self, change: Change) -> Load {
        let (mut state, now) = (self.lock(), Instant::now());
        state.rate = change.rate.unwrap_or(state.rate);
        state.updates = change.updates.unwrap_or(state.updates);
        if !state.running {
            (state.before, state.began, state.running) = (self.ledger.totals(), now, true);
        }
        state.pace = Pace::new(state.rate, now);
        self.ledger.metrics().load_is(state.rate, true);
        self.changed.notify_all();
        self.view(&state)
    }

    /// Ends it all, soon.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    /// Waits, unless told to stop; says whether it was.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), time, |state| !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        state.stopping
    }

    /// What the sender is to do next, at the latest after [`HEARTBEAT`].
    pub(crate) fn next(&self) -> Turn {
        let (mut state, now) = (self.lock(), Instant::now());
        if state.stopping || (!state.running && !self.stay) {
            return Turn::Stop;
        }
        if !state.running {
            return self.wait(state, HEARTBEAT);
        }
        let totals = self.ledger.totals().since(state.before);
        let left = match state.updates {
            0 => u64::MAX,
            updates => updates.saturating_sub(totals.sent),
        };
        if left > 0 {
            let send = state.pace.due(now).min(left).min(TURN);
            if send == 0 {
                let wait = state.pace.wait(now).min(HEARTBEAT);
                return self.wait(state, wait);
            }
            state.pace.sent(send);
            return Turn::Send(send);
        }
        if !totals.settled() {
            return self.wait(state, SETTLING);
        }
        state.running = false;
        self.ledger.metrics().load_is(state.rate, false);
        Turn::Over(Run { totals, time: state.began.elapsed() })
    }

    /// How many updates should have been sent by now, if it ends now.
    pub(crate) fn asked(&self) -> u64 {
        let (state, sent) = (self.lock(), self.ledger.totals().sent);
        if self.stay || state.updates == 0 { sent } else { sent.max(state.before.sent + state.updates) }
    }

    fn wait(&self, state: MutexGuard<'_, State>, time: Duration) -> Turn {
        drop(self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner));
        Turn::Wait
    }

    fn view(&self, state: &State) -> Load {
        let Totals { sent, acknowledged, failed } = self.ledger.totals().since(state.before);
        Load { running: state.running, rate: state.rate, updates: state.updates, sent, acknowledged, failed }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::ledger;

    fn control(rate: u32, updates: u64, stay: bool) -> Control {
        Control::new(Arc::new(ledger(1)), rate, updates, stay)
    }

    /// Sends and acknowledges what the control asks for, until it asks for something else.
    fn play(control: &Control) -> Turn {
        loop {
            match control.next() {
                Turn::Send(updates) => {
                    for _ in 0..updates {
                        control.ledger.sent();
                        control.ledger.acknowledged(0, 0);
                    }
                }
                Turn::Wait => {}
                turn @ (Turn::Over(_) | Turn::Stop) => return turn,
            }
        }
    }

    fn over(turn: Turn) -> (u64, u64) {
        match turn {
            Turn::Over(run) => (run.totals.sent, run.totals.acknowledged),
            Turn::Send(_) | Turn::Wait | Turn::Stop => panic!("{turn:?}"),
        }
    }

    #[test]
    fn a_run_sends_exactly_its_updates_and_then_stops() {
        let control = control(0, 1_000, false);
        assert_eq!(over(play(&control)), (1_000, 1_000));
        assert_eq!(control.next(), Turn::Stop);
        assert!(!control.load().running);
    }

    #[test]
    fn a_run_is_not_over_before_its_last_answer() {
        let control = control(0, 1, false);
        assert_eq!(control.next(), Turn::Send(1));
        control.ledger.sent();
        assert_eq!(control.next(), Turn::Wait);
        assert!(control.load().running);
        control.ledger.failed();
        assert!(matches!(control.next(), Turn::Over(run) if run.totals.failed == 1));
    }

    #[test]
    fn one_that_stays_runs_again_when_told_and_counts_anew() {
        let control = control(0, 10, true);
        assert_eq!(over(play(&control)), (10, 10));
        assert_eq!(control.next(), Turn::Wait);
        let load = control.change(Change { rate: None, updates: Some(5) });
        assert_eq!((load.running, load.updates, load.sent), (true, 5, 0));
        assert_eq!(over(play(&control)), (5, 5));
        assert_eq!((control.load().sent, control.ledger.totals().sent, control.asked()), (5, 15, 15));
    }

    #[test]
    fn a_change_midway_counts_what_was_sent_already() {
        let control = control(0, 0, false);
        assert_eq!(control.next(), Turn::Send(TURN));
        (0..TURN).for_each(|_| control.ledger.sent());
        control.change(Change { rate: None, updates: Some(TURN + 1) });
        assert_eq!(control.next(), Turn::Send(1));
        assert_eq!(control.asked(), TURN + 1);
        control.change(Change { rate: None, updates: Some(7) });
        assert_eq!(control.next(), Turn::Wait, "more than that has been sent already");
        assert_eq!(control.asked(), TURN);
    }

    #[test]
    fn told_to_stop_it_stops_whatever_is_left() {
        let control = control(1, 0, true);
        assert_eq!(control.next(), Turn::Send(1));
        control.stop();
        assert_eq!(control.next(), Turn::Stop);
        assert!(control.pause(Duration::from_secs(60)), "no pause holds up the end");
    }

    #[test]
    fn changes_are_read_and_what_is_wrong_is_told() {
        assert_eq!(Change::parse(br#"{"rate":5}"#), Ok(Change { rate: Some(5), updates: None }));
        assert_eq!(Change::parse(b"{}"), Ok(Change::default()));
        for (body, error) in [
            (r#"{"rate":10000001}"#, "rate is 10000001, expected at most 10000000 per second"),
            (r#"{"rates":5}"#, "unknown field `rates`, expected `rate` or `updates`"),
            (r#"{"rate":-5}"#, "invalid value: integer `-5`, expected u32"),
            (r#"{"rate":"fast"}"#, r#"invalid type: string "fast", expected u32"#),
            ("", r#"expected JSON such as {"rate": 500, "updates": 10000}"#),
        ] {
            let told = Change::parse(body.as_bytes()).unwrap_err();
            assert!(told.contains(error), "{body}: {told}");
        }
    }
}
