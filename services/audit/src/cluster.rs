//! Asks the services, and the Kubernetes API as the pod's service account may.

use std::time::{Duration, Instant};

use axum::http::Request;
use serde::Deserialize;

use crate::Error;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often it is asked again.
const TICK: Duration = Duration::from_secs(1);

/// What the audit needs to see, unless there is more anyway.
const UPDATES: u64 = 300;
const RATE: u32 = 100;

/// The part of the producer's load that matters here.
#[derive(Clone, Copy, Deserialize)]
struct Load {
    running: bool,
    acknowledged: u64,
}

/// Has the producer send some updates, and waits until Kafka has them. One that is sending already is left alone.
pub(crate) async fn send_some(url: &str, patience: Duration) -> Result<(), Error> {
    let unanswered = |source| Error::Http { url: url.to_owned(), source };
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(unanswered)?;
    let load = || async {
        let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status).map_err(unanswered)?;
        answer.json::<Load>().await.map_err(unanswered)
    };
    if load().await?.running {
        return Ok(());
    }
    let change = serde_json::json!({"rate": RATE, "updates": UPDATES});
    let told = client.put(url).json(&change).send().await;
    told.and_then(reqwest::Response::error_for_status).map_err(unanswered)?;
    let begun = Instant::now();
    loop {
        let Load { running, acknowledged } = load().await?;
        if !running && acknowledged >= UPDATES {
            return Ok(());
        }
        if begun.elapsed() >= patience {
            let awaited = format!("{UPDATES} acknowledged updates of the producer");
            let last = format!("{acknowledged} are");
            return Err(Error::Timeout { awaited, seconds: patience.as_secs(), last });
        }
        tokio::time::sleep(TICK).await;
    }
}

/// What a URL answers.
pub(crate) async fn ask(url: &str) -> Result<String, Error> {
    let unanswered = |source| Error::Http { url: url.to_owned(), source };
    let client = reqwest::Client::builder().timeout(TIMEOUT).build().map_err(unanswered)?;
    let response = client.get(url).send().await.map_err(unanswered)?;
    let status = response.status();
    let text = response.text().await.map_err(unanswered)?;
    if status.is_success() { Ok(text) } else { Err(Error::Broken(format!("{url} answers {status}: {}", text.trim()))) }
}

/// What a path of the Kubernetes API answers.
pub(crate) async fn ask_kubernetes(path: &str) -> Result<String, Error> {
    let unanswered = |reason: String| Error::Broken(format!("{path}: {reason}"));
    // The client takes the process's provider of cryptography; where one is set already, that is well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = kube::Client::try_default().await.map_err(|error| unanswered(error.to_string()))?;
    let request = Request::get(path).body(Vec::new()).map_err(|error| unanswered(error.to_string()))?;
    match tokio::time::timeout(TIMEOUT, client.request_text(request)).await {
        Ok(answer) => answer.map_err(|error| unanswered(error.to_string())),
        Err(_) => Err(unanswered(format!("no answer within {} s", TIMEOUT.as_secs()))),
    }
}

/// Asks again until there is a good answer, for at most some time.
pub(crate) async fn patiently<F: Future<Output = Result<String, Error>>>(
    patience: Duration,
    ask: impl Fn() -> F,
) -> Result<String, Error> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(_) if begun.elapsed() < patience => tokio::time::sleep(TICK).await,
            answer => return answer,
        }
    }
}
