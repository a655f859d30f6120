//! What became of every update: counted from the topics alone, whatever the services say.
//!
//! The [`Ledger`] is the account itself, [`audit`] reads the topics into it, and [`Auditor`] is the program that does
//! so inside a cluster: once as a test, or whenever it is asked.

mod cluster;
mod config;
mod delays;
mod error;
mod ledger;
mod reader;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use common::commit_metadata::now_ms;
use common::http::{Server, health};
use common::service::Service;
use common::telemetry::{Sampling, TelemetryConfig};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use delays::Delays;
pub use error::Error;
pub use ledger::{Audit, Kill, Ledger, Processed, Sent};
pub use reader::{Extent, Topics, audit, end_of, offsets_at};

/// How often what is still in work is looked at.
const TICK: Duration = Duration::from_secs(1);

/// The program.
pub struct Auditor;

impl Service for Auditor {
    const NAME: &'static str = "audit";
    const SAMPLING: Sampling = Sampling::Followed;
    type Config = Config;
    type Error = Error;

    fn telemetry(config: &Config) -> &TelemetryConfig {
        &config.telemetry
    }

    async fn run(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
        tokio::select! {
            () = shutdown.cancelled() => Ok(()),
            result = work(config, shutdown.clone()) => result,
        }
    }
}

async fn work(config: Config, shutdown: CancellationToken) -> Result<(), Error> {
    let config = Arc::new(config);
    match config.http_addr {
        Some(address) => {
            let server = Server::bind(address).await.map_err(|source| Error::Bind { address, source })?;
            Ok(server.serve(routes(config).merge(health(Arc::new(|| Ok(())))), shutdown).await?)
        }
        None => check(&config).await,
    }
}

/// `GET /audit`.
fn routes(config: Arc<Config>) -> Router {
    Router::new().route("/audit", get(answer)).with_state(config)
}

/// Whether all is as it should be, once.
async fn check(config: &Arc<Config>) -> Result<(), Error> {
    if let Some(url) = &config.load_url {
        cluster::send_some(url, config.patience).await?;
    }
    let account = settled(config, None).await?;
    let told = serde_json::to_string(&account).unwrap_or_default();
    if account.sent == 0 {
        let topic = &config.topic;
        return Err(Error::Broken(format!("topic {topic} has no updates within WINDOW: there is nothing to look at")));
    }
    if !account.holds() {
        return Err(Error::Broken(format!("updates are not as they should be: {told}")));
    }
    tracing::info!("every update was processed, in order, from the partition its key says: {told}");
    if let Some(url) = &config.desired_url {
        tracing::info!(
            "the monitor knows how many consumers are needed: {}",
            cluster::patiently(config.patience, || cluster::ask(url)).await?
        );
    }
    if let Some(path) = &config.metrics_api_path {
        let metric = cluster::patiently(config.patience, || cluster::ask_kubernetes(path)).await?;
        tracing::info!("autoscalers are told: {metric}");
    }
    Ok(())
}

/// What `GET /audit` may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// Only what was sent since then, in milliseconds since 1970.
    since_ms: Option<u64>,
}

async fn answer(
    State(config): State<Arc<Config>>,
    Query(question): Query<Question>,
) -> Result<Json<Audit>, (StatusCode, String)> {
    let since_ms = question.since_ms.map(|since_ms| i64::try_from(since_ms).unwrap_or(i64::MAX));
    match settled(&config, since_ms).await {
        Ok(account) => Ok(Json(account)),
        Err(error) => Err((StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))),
    }
}

/// The account of what had been sent by now, as soon as none of it is in work any more.
async fn settled(config: &Arc<Config>, since_ms: Option<i64>) -> Result<Audit, Error> {
    let begun = Instant::now();
    let window = (!config.window.is_zero())
        .then(|| now_ms().saturating_sub(i64::try_from(config.window.as_millis()).unwrap_or(i64::MAX)));
    let since_ms = since_ms.or(window);
    let looked = Arc::clone(config);
    let extents = blocking(move || extents(&looked, since_ms)).await?;
    loop {
        let (config, extents) = (Arc::clone(config), extents.clone());
        let patience = config.patience;
        let account = blocking(move || audit(&config.kafka, &extents, Vec::new())).await?;
        if account.lost == 0 || begun.elapsed() >= patience {
            return Ok(account);
        }
        tokio::time::sleep(TICK).await;
    }
}

/// What of the topics is looked at.
fn extents(config: &Config, since_ms: Option<i64>) -> Result<Topics, Error> {
    let (kafka, output) = (&config.kafka, config.output_topic());
    let until = end_of(kafka, &config.topic)?;
    let Some(since_ms) = since_ms else {
        let all = until.keys().map(|partition| (*partition, 0)).collect();
        return Ok(Topics {
            source: Extent::between(&config.topic, all, until),
            output: Extent::whole(&output),
            dead_letters: Some(Extent::whole(&config.dead_letter_topic)),
        });
    };
    let since = |topic: &str| offsets_at(kafka, topic, since_ms);
    Ok(Topics {
        source: Extent::between(&config.topic, since(&config.topic)?, until),
        output: Extent::from(&output, since(&output)?),
        dead_letters: Some(Extent::from(&config.dead_letter_topic, since(&config.dead_letter_topic)?)),
    })
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await?
}

#[cfg(test)]
mod tests {
    use common::config::load;

    use super::*;

    #[tokio::test]
    async fn what_audit_is_asked_for_is_understood_or_refused() {
        // Nothing listens there: whoever is understood learns that there is no account.
        let variables = [("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1"), ("PATIENCE", "0s")];
        let config: Config = load(variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, routes(Arc::new(config))).into_future());
        for (query, status, words) in [
            ("?since_ms=1700000000000", 503, "Kafka: "),
            ("?since_ms=-1", 400, "since_ms: invalid digit"),
            ("?since_ms=yesterday", 400, "since_ms: invalid digit"),
            ("?since=1700000000000", 400, "unknown field `since`, expected `since_ms`"),
        ] {
            let answer = reqwest::get(format!("http://{address}/audit{query}")).await.unwrap();
            assert_eq!(answer.status(), status, "{query}");
            let told = answer.text().await.unwrap();
            assert!(told.contains(words), "{query}: {told}");
        }
    }
}
