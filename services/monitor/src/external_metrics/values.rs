//! A metric's values.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::discovery::GROUP_VERSION;
use super::quantity::quantity;
use super::selector::Selector;
use super::status::Status;
use super::{Series, Source};

/// A source that takes longer has no answer.
const READ_TIMEOUT: Duration = Duration::from_secs(8);

/// How many series an error names.
const NAMED: usize = 10;

#[derive(Deserialize)]
pub(super) struct Parameters {
    #[serde(default, rename = "labelSelector")]
    label_selector: String,
}

/// `GET …/namespaces/{namespace}/{metric}?labelSelector=…`: every series that is asked for, or an error. The autoscaler
/// adds up what it gets, so a part of them would be a wrong number.
pub(super) async fn values<S: Source>(
    State(source): State<Arc<S>>,
    path: Result<Path<(String, String)>, PathRejection>,
    query: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Value>, Status> {
    let Path((_, metric)) = path.map_err(|error| Status::bad_request(error.body_text()))?;
    let Query(Parameters { label_selector }) = query.map_err(|error| Status::bad_request(error.body_text()))?;
    let metrics = source.metrics();
    if !metrics.contains(&metric.as_str()) {
        return Err(Status::not_found(format!("there is no metric '{metric}'; there are {}", metrics.join(", "))));
    }
    let selector = Selector::parse(&label_selector)
        .map_err(|error| Status::bad_request(format!("labelSelector '{label_selector}': {error}")))?;
    let series = timeout(READ_TIMEOUT, source.series(&metric))
        .await
        .map_err(|_| Status::unavailable(format!("{metric} could not be read within {READ_TIMEOUT:?}")))?;
    let (asked, others): (Vec<_>, Vec<_>) = series.into_iter().partition(|series| selector.matches(&series.labels));
    if asked.is_empty() {
        return Err(Status::not_found(format!(
            "no series of {metric} matches '{label_selector}'; there {}",
            named(&others)
        )));
    }
    let items = asked.iter().map(|series| item(&metric, series)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({
        "kind": "ExternalMetricValueList",
        "apiVersion": GROUP_VERSION,
        "metadata": {},
        "items": items,
    })))
}

fn item(metric: &str, series: &Series) -> Result<Value, Status> {
    let value =
        series.value.as_ref().map_err(Clone::clone).and_then(|value| quantity(*value)).map_err(|reason| {
            Status::unavailable(format!("{metric}{} is not known: {reason}", braces(&series.labels)))
        })?;
    Ok(json!({
        "metricName": metric,
        "metricLabels": series.labels,
        "timestamp": humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(series.at_ms)).to_string(),
        "value": value,
    }))
}

/// Which series there are, as the end of a sentence.
fn named(series: &[Series]) -> String {
    let names: Vec<_> = series.iter().take(NAMED).map(|series| braces(&series.labels)).collect();
    match series.len() {
        0 => "are none at all".to_owned(),
        all if all > NAMED => format!("are {} and {} more", names.join(", "), all - NAMED),
        _ => format!("are {}", names.join(", ")),
    }
}

/// Labels as `{group="readers",topic="stocks"}`.
fn braces(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = labels.iter().map(|(label, value)| format!("{label}={value:?}")).collect();
    format!("{{{}}}", pairs.join(","))
}
