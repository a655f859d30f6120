//! A stream of server-sent events: each group as each round finds it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;

use crate::api::{Api, unknown};
use crate::rounds::Shown;
use crate::view::View;

/// While nothing is to tell, this often a comment shows that the stream lives.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Which groups are wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    group: Option<String>,
}

/// Sends what is shown now, and then each round's. Who reads slowly misses rounds, and never gets an old one.
pub(crate) async fn stream(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Response {
    let view = api.shown.now();
    if let Some(name) = wanted.group.as_deref().filter(|name| view.rounds > 0 && view.group(name).is_none()) {
        return unknown(&api, name);
    }
    let views = stream::unfold((api.shown, true), next);
    let events = views.flat_map(move |view| stream::iter(events(&view, wanted.group.as_deref())));
    let until_shutdown = events.take_until(api.shutdown.cancelled_owned());
    Sse::new(until_shutdown).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

async fn next((mut shown, is_first): (Shown, bool)) -> Option<(Arc<View>, (Shown, bool))> {
    let now = shown.now();
    let view = if is_first && now.rounds > 0 { shown.seen() } else { shown.next().await? };
    Some((view, (shown, false)))
}

/// An event `group` for each, with the JSON of `/api/v1/groups/{group}`.
fn events(view: &View, wanted: Option<&str>) -> Vec<Result<Event, Infallible>> {
    let groups = view.groups.iter().filter(|group| wanted.is_none_or(|name| name == group.group));
    let event = |group: &Arc<crate::view::GroupView>| {
        let event = Event::default().event("group").id(view.at_ms.to_string());
        // Names, numbers and texts always serialise.
        Ok(event.json_data(&**group).unwrap_or_default())
    };
    groups.map(event).collect()
}
