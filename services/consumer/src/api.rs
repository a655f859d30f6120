//! What the consumer answers over HTTP, beside the probes.

use std::sync::{Arc, PoisonError};

use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use crate::assignment::PartitionView;
use crate::handler::{LatestPrice, LatestPrices};
use crate::member::View;

#[derive(Clone, Debug, Serialize)]
struct AssignmentView {
    member: String,
    group: String,
    topic: String,
    partitions: Vec<PartitionView>,
}

#[derive(Debug, Serialize)]
struct StocksView {
    stocks: Vec<LatestPrice>,
}

/// `GET /assignment`: which partitions this member has, and how far it is.
pub fn assignment(member: &str, group: &str, topic: &str, view: View) -> Router {
    let empty = AssignmentView {
        member: member.to_owned(),
        group: group.to_owned(),
        topic: topic.to_owned(),
        partitions: Vec::new(),
    };
    let answer = async move || {
        let partitions = view.read().unwrap_or_else(PoisonError::into_inner).clone();
        Json(AssignmentView { partitions, ..empty.clone() })
    };
    Router::new().route("/assignment", get(answer))
}

/// `GET /stocks`: the latest price of each symbol.
pub fn stocks(prices: Arc<LatestPrices>) -> Router {
    Router::new().route("/stocks", get(async move || Json(StocksView { stocks: prices.all() })))
}
