//! Saying at a bearable rate what stays so.

use std::time::{Duration, Instant};

/// When something that stays so is to be said: at once, and then again after each `pause`.
#[derive(Clone, Copy, Debug)]
pub struct Reminder {
    pause: Duration,
    said: Option<Instant>,
}

impl Reminder {
    /// One that has said nothing yet.
    #[must_use]
    pub const fn every(pause: Duration) -> Self {
        Self { pause, said: None }
    }

    /// Whether it is to be said now; if so, it counts as said.
    pub fn is_due(&mut self) -> bool {
        let is_due = self.said.is_none_or(|said| said.elapsed() >= self.pause);
        if is_due {
            self.said = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_at_once_and_after_each_pause() {
        let mut seldom = Reminder::every(Duration::from_secs(3600));
        assert_eq!([seldom.is_due(), seldom.is_due()], [true, false]);
        let mut always = Reminder::every(Duration::ZERO);
        assert_eq!([always.is_due(), always.is_due()], [true, true]);
    }
}
