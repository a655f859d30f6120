//! The log of who was refused.

use std::mem::{Discriminant, discriminant};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::front_proxy::Refusal;

/// Between two lines about the same kind of refusal.
const PAUSE: Duration = Duration::from_secs(30);

/// Tells of refused requests, now and then.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Vec<Told>>);

struct Told {
    kind: Discriminant<Refusal>,
    at: Instant,
    since: u64,
}

impl Refusals {
    /// Logs a refusal, or counts it where one of its kind was logged a moment ago.
    pub(super) fn tell(&self, address: IpAddr, refusal: &Refusal) {
        if let Some(untold) = self.due(discriminant(refusal), Instant::now()) {
            tracing::warn!(%address, untold, "refused a request: {refusal}");
        }
    }

    /// How many of its kind were not told, where it is time for a line.
    fn due(&self, kind: Discriminant<Refusal>, now: Instant) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter_mut().find(|told| told.kind == kind) {
            Some(told) if now.duration_since(told.at) < PAUSE => {
                told.since += 1;
                None
            }
            Some(told) => {
                told.at = now;
                Some(std::mem::take(&mut told.since))
            }
            None => {
                all.push(Told { kind, at: now, since: 0 });
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_now_and_then_with_how_many_were_not() {
        let refusals = Refusals::default();
        let anonymous = discriminant(&Refusal::NoCertificate);
        let unknown = discriminant(&Refusal::NotKnownYet(String::new()));
        let start = Instant::now();
        assert_eq!(refusals.due(anonymous, start), Some(0));
        assert_eq!(refusals.due(anonymous, start), None);
        assert_eq!(refusals.due(unknown, start), Some(0));
        assert_eq!(refusals.due(anonymous, start + PAUSE / 2), None);
        assert_eq!(refusals.due(anonymous, start + PAUSE), Some(2));
        assert_eq!(refusals.due(anonymous, start + PAUSE), None);
        assert_eq!(refusals.due(anonymous, start + PAUSE * 2), Some(1));
    }
}
