//! Waiting for a condition, and for no time to pass.

use std::time::{Duration, Instant};

use crate::error::Error;

/// How often it is looked again.
pub(crate) const TICK: Duration = Duration::from_millis(500);

/// What a look at a condition shows.
pub(crate) enum Seen<T> {
    /// It holds.
    Yes(T),
    /// It does not hold yet; what there is instead.
    NotYet(String),
}

/// Whether something holds, and else what there is instead.
pub(crate) fn seen(holds: bool, instead: impl Into<String>) -> Result<Seen<()>, Error> {
    Ok(if holds { Seen::Yes(()) } else { Seen::NotYet(instead.into()) })
}

/// Looks until the condition holds. What does not answer may do so later; what is broken stays so.
///
/// # Errors
/// Where it does not hold in time, or a look finds something broken.
pub(crate) async fn until<T>(
    awaited: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Result<Seen<T>, Error>,
) -> Result<T, Error> {
    let began = Instant::now();
    loop {
        let last = match look().await {
            Ok(Seen::Yes(found)) => return Ok(found),
            Ok(Seen::NotYet(last)) => last,
            Err(error @ Error::Broken(_)) => return Err(error),
            Err(error) => error.to_string(),
        };
        if began.elapsed() > patience {
            return Err(Error::Timeout { awaited: awaited.to_owned(), seconds: patience.as_secs(), last });
        }
        tokio::time::sleep(TICK).await;
    }
}

/// So many seconds.
pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
