//! What the producer shows and takes over HTTP, beside the probes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::ledger::{Ledger, Route};
use crate::load::{Change, Control, Load};

/// What requests are answered from.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) topic: Arc<str>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) control: Arc<Control>,
}

/// Where each symbol went.
#[derive(Debug, Serialize)]
struct Routing {
    topic: String,
    routes: Vec<Route>,
}

/// `GET /routing`, `GET /load` and `PUT /load`.
pub(crate) fn routes(shown: Shown) -> Router {
    Router::new().route("/routing", get(routing)).route("/load", get(load).put(change)).with_state(shown)
}

async fn routing(State(shown): State<Shown>) -> Json<Routing> {
    Json(Routing { topic: shown.topic.as_ref().to_owned(), routes: shown.ledger.routes() })
}

async fn load(State(shown): State<Shown>) -> Json<Load> {
    Json(shown.control.load())
}

/// Takes the body whatever type it claims to be: `curl -d` claims it is a form.
async fn change(State(shown): State<Shown>, body: Bytes) -> Result<Json<Load>, (StatusCode, String)> {
    let change = Change::parse(&body).map_err(|reason| (StatusCode::BAD_REQUEST, format!("{reason}\n")))?;
    let load = shown.control.change(change);
    tracing::info!(rate = load.rate, updates = load.updates, "the load was changed");
    Ok(Json(load))
}
