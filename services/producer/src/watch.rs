//! Updates that are watched on their way: timed, and traced where sampled.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::Span;

/// The bits of a [`Ticket`] that name the watched update.
const PLACE_BITS: u32 = 12;

/// How many updates can be watched at once; those beyond go unwatched.
const PLACES: usize = (1 << PLACE_BITS) - 1;

/// What the client hands back with an update's acknowledgement: one integer, so that no memory is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The stock's place in the universe.
    pub(crate) stock: usize,
    /// The watched update's place, from 1; 0 where it is not watched.
    place: usize,
}

impl Ticket {
    pub(crate) fn new(stock: usize, place: Option<usize>) -> Self {
        Self { stock, place: place.map_or(0, |place| place + 1) }
    }

    pub(crate) fn encode(self) -> usize {
        self.stock << PLACE_BITS | self.place
    }

    pub(crate) fn decode(ticket: usize) -> Self {
        Self { stock: ticket >> PLACE_BITS, place: ticket & PLACES }
    }
}

/// An update on its way.
#[derive(Debug)]
pub(crate) struct Watched {
    /// When it was sent.
    pub(crate) since: Instant,
    /// Its span, which ends with its acknowledgement; a disabled one where it is not traced.
    pub(crate) span: Span,
}

/// The updates that are watched at the moment.
#[derive(Debug, Default)]
pub(crate) struct Watches {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: Vec<Option<Watched>>,
    free: Vec<usize>,
}

impl Watches {
    /// Watches an update; `None` while too many others are.
    pub(crate) fn begin(&self, span: Span) -> Option<usize> {
        let watched = Some(Watched { since: Instant::now(), span });
        let mut state = self.lock();
        if let Some(place) = state.free.pop() {
            *state.places.get_mut(place)? = watched;
            return Some(place);
        }
        if state.places.len() >= PLACES {
            return None;
        }
        state.places.push(watched);
        Some(state.places.len() - 1)
    }

    /// Ends the watch of the update with this ticket, if there was one.
    pub(crate) fn end(&self, ticket: Ticket) -> Option<Watched> {
        let place = ticket.place.checked_sub(1)?;
        let mut state = self.lock();
        let watched = state.places.get_mut(place)?.take()?;
        state.free.push(place);
        Some(watched)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_more_than_fit_are_watched_and_places_are_used_again() {
        let watches = Watches::default();
        let places: Vec<_> = (0..PLACES).map(|_| watches.begin(Span::none())).collect();
        assert!(places.iter().all(Option::is_some));
        assert_eq!(watches.begin(Span::none()), None);
        let ticket = Ticket::new(3, places[17]);
        assert!(watches.end(ticket).is_some());
        assert!(watches.end(ticket).is_none(), "it ends once");
        assert_eq!(watches.begin(Span::none()), places[17]);
    }

    #[test]
    fn an_unwatched_update_ends_nothing() {
        let watches = Watches::default();
        watches.begin(Span::none());
        assert!(watches.end(Ticket::new(0, None)).is_none());
    }

    proptest! {
        #[test]
        fn a_ticket_survives_the_client(stock in 0_usize..100_000, place in proptest::option::of(0..PLACES)) {
            let ticket = Ticket::new(stock, place);
            prop_assert_eq!(Ticket::decode(ticket.encode()), ticket);
        }
    }
}
