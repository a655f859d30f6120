//! `/api/v1`: everything that is shown, as JSON. `openapi.json` describes it.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::decisions::Decision;
use crate::events;
use crate::rebalances::Rebalance;
use crate::rounds::{NO_ROUND, Shown};
use crate::symbols::Symbols;
use crate::view::GroupView;

/// The description of all routes.
pub const OPENAPI: &str = include_str!("openapi.json");

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) shown: Shown,
    symbols: Symbols,
    pub(crate) shutdown: CancellationToken,
}

/// Every path, as the router and the description both have it.
fn paths() -> [(&'static str, MethodRouter<Api>); 8] {
    [
        ("/api/v1/groups", get(groups)),
        ("/api/v1/groups/{group}", get(group)),
        ("/api/v1/groups/{group}/desired", get(desired)),
        ("/api/v1/groups/{group}/plans", get(plans)),
        ("/api/v1/groups/{group}/rebalances", get(rebalances)),
        ("/api/v1/symbols", get(symbols)),
        ("/api/v1/events", get(events::stream)),
        ("/api/v1/openapi.json", get(async || ([(header::CONTENT_TYPE, "application/json")], OPENAPI))),
    ]
}

/// The name of every path, as the description has it. Each is asked with GET.
pub fn path_names() -> impl Iterator<Item = &'static str> {
    paths().into_iter().map(|(path, _)| path)
}

/// The routes.
pub(crate) fn routes(shown: Shown, symbols: Symbols, shutdown: CancellationToken) -> Router {
    let router = paths().into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route));
    router.with_state(Api { shown, symbols, shutdown })
}

#[derive(Serialize)]
struct Summaries<'a> {
    at_ms: u64,
    groups: Vec<Summary<'a>>,
}

#[derive(Serialize)]
struct Summary<'a> {
    group: &'a str,
    topics: Vec<&'a str>,
    up: bool,
    lag: Option<u64>,
    delay_seconds: Option<f64>,
    members: usize,
    desired: Option<u32>,
    reason: planner::Reason,
    sentence: &'a str,
}

impl<'a> Summary<'a> {
    fn of(group: &'a GroupView) -> Self {
        Self {
            group: &group.group,
            topics: group.topics.iter().map(|topic| topic.topic.as_str()).collect(),
            up: group.up,
            lag: group.lag,
            delay_seconds: group.delay_seconds,
            members: group.members.len(),
            desired: group.plan.replicas,
            reason: group.plan.reason,
            sentence: &group.plan.sentence,
        }
    }
}

#[derive(Serialize)]
struct Plans<'a> {
    group: &'a str,
    plans: &'a [Decision],
}

#[derive(Serialize)]
struct Rebalances<'a> {
    group: &'a str,
    since_ms: Option<u64>,
    rebalances: &'a [Rebalance],
}

#[derive(Serialize)]
struct Problem {
    error: String,
}

async fn groups(State(api): State<Api>) -> Response {
    let view = api.shown.now();
    let groups = view.groups.iter().map(|group| Summary::of(group)).collect();
    Json(Summaries { at_ms: view.at_ms, groups }).into_response()
}

async fn group(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.shown.now().group(&name) {
        Some(group) => Json(&**group).into_response(),
        None => unknown(&api, &name),
    }
}

async fn desired(State(api): State<Api>, Path(name): Path<String>) -> Response {
    // An autoscaler decides by it for a long time: it is worth a look.
    let view = match api.shown.fresh().await {
        Ok(view) => view,
        Err(reason) => return problem(StatusCode::SERVICE_UNAVAILABLE, reason),
    };
    match view.group(&name).map(|group| group.desired()) {
        Some(Ok(desired)) => Json(desired).into_response(),
        Some(Err(reason)) => problem(StatusCode::SERVICE_UNAVAILABLE, reason),
        None => unknown(&api, &name),
    }
}

async fn plans(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.shown.now().group(&name) {
        Some(group) => Json(Plans { group: &group.group, plans: &group.decisions }).into_response(),
        None => unknown(&api, &name),
    }
}

async fn rebalances(State(api): State<Api>, Path(name): Path<String>) -> Response {
    match api.shown.now().group(&name) {
        Some(group) => {
            let GroupView { group, rebalances_since_ms: since_ms, rebalances, .. } = &**group;
            Json(Rebalances { group, since_ms: *since_ms, rebalances }).into_response()
        }
        None => unknown(&api, &name),
    }
}

async fn symbols(State(api): State<Api>) -> Response {
    Json(&*api.symbols.now().await).into_response()
}

/// Nothing is shown before the first round; afterwards a group that is not there is not watched.
pub(crate) fn unknown(api: &Api, name: &str) -> Response {
    let view = api.shown.now();
    if view.rounds == 0 {
        return problem(StatusCode::SERVICE_UNAVAILABLE, NO_ROUND.to_owned());
    }
    let watched: Vec<_> = view.groups.iter().map(|group| group.group.as_str()).collect();
    let reason = format!("group {name} is not watched; GROUPS names {}", watched.join(", "));
    problem(StatusCode::NOT_FOUND, reason)
}

fn problem(status: StatusCode, error: String) -> Response {
    (status, Json(Problem { error })).into_response()
}
