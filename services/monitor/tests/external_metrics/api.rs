//! The API under test, with fixed numbers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use monitor::external_metrics::{ExternalMetrics, Series, Settings, Source};
use rustls::SupportedProtocolVersion;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::certificates::{Authority, Identity};
use crate::client::{Answered, Client};
use crate::cluster::{Answer, Cluster};

/// `/apis/external.metrics.k8s.io/v1beta1`
pub(crate) const BASE: &str = "/apis/external.metrics.k8s.io/v1beta1";

pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) cluster: Cluster,
    /// Signs the serving certificate.
    pub(crate) serving: Authority,
    /// Signs the front proxy's.
    pub(crate) front: Authority,
    pub(crate) files: TempDir,
    pub(crate) shutdown: CancellationToken,
    pub(crate) running: JoinHandle<()>,
}

/// Numbers of every kind.
struct Numbers;

impl Source for Numbers {
    fn metrics(&self) -> &'static [&'static str] {
        &["desired_consumers", "consumer_lag", "consumer_delay_seconds", "slow", "nothing"]
    }

    async fn series(&self, metric: &str) -> Vec<Series> {
        match metric {
            "desired_consumers" => vec![series("readers", None, Ok(3.0))],
            "consumer_delay_seconds" => vec![series("readers", Some("stocks"), Ok(1.5))],
            "consumer_lag" => vec![
                series("readers", Some("stocks"), Ok(9_007_199_254_740_991.0)),
                series("readers", Some("orders"), Ok(7.0)),
                series("writers", Some("stocks"), Err("no answer from the broker within 2s".to_owned())),
                series("others", Some("stocks"), Ok(f64::NAN)),
            ],
            "slow" => std::future::pending().await,
            _ => Vec::new(),
        }
    }
}

fn series(group: &str, topic: Option<&str>, value: Result<f64, String>) -> Series {
    let mut labels = BTreeMap::from([("group".to_owned(), group.to_owned())]);
    labels.extend(topic.map(|topic| ("topic".to_owned(), topic.to_owned())));
    Series { labels, at_ms: 1_700_000_000_250, value }
}

/// What a cluster publishes whose front proxy is called `front-proxy`.
pub(crate) fn published(authority: &Authority) -> Answer {
    Answer::Published(Some(authority.pem()), Some(r#"["front-proxy"]"#.to_owned()))
}

impl Api {
    /// An API whose cluster published its front proxy, which has been read.
    pub(crate) async fn start() -> Self {
        let front = Authority::new("front-proxy-ca");
        let api = Self::start_with(published(&front), front).await;
        api.until_ready().await;
        api
    }

    /// An API whose cluster answers with `answer`.
    pub(crate) async fn start_with(answer: Answer, front: Authority) -> Self {
        let serving = Authority::new("serving-ca");
        let files = tempfile::tempdir().unwrap();
        write_pair(&files, &serving.server());
        let cluster = Cluster::start(answer).await;
        let api = ExternalMetrics::bind(settings(&files), cluster.client(), Arc::new(Numbers)).await.unwrap();
        let address = api.address();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(api.run(shutdown.clone()));
        Self { address, cluster, serving, front, files, shutdown, running }
    }

    pub(crate) async fn until_ready(&self) {
        until("the API is ready", async || self.anonymous().get("/readyz").await.0 == StatusCode::OK).await;
    }

    pub(crate) fn anonymous(&self) -> Client {
        self.client(None, rustls::ALL_VERSIONS)
    }

    /// As the API server asks.
    pub(crate) fn front_proxy(&self) -> Client {
        self.with(&self.front.client("front-proxy"))
    }

    pub(crate) fn with(&self, identity: &Identity) -> Client {
        self.client(Some(identity), rustls::ALL_VERSIONS)
    }

    pub(crate) fn client(&self, identity: Option<&Identity>, versions: &[&'static SupportedProtocolVersion]) -> Client {
        Client::new(self.address, self.serving.der(), identity, versions)
    }
}

pub(crate) fn settings(files: &TempDir) -> Settings {
    let file = |name: &str| -> PathBuf { files.path().join(name) };
    Settings { address: "127.0.0.1:0".parse().unwrap(), certificate_file: file("tls.crt"), key_file: file("tls.key") }
}

pub(crate) fn write_pair(files: &TempDir, identity: &Identity) {
    std::fs::write(files.path().join("tls.crt"), &identity.certificate_pem).unwrap();
    std::fs::write(files.path().join("tls.key"), identity.key.serialize_pem()).unwrap();
}

/// Asserts that an answer is a Kubernetes Status of a failure; gives its message.
pub(crate) fn failure((code, body): Answered, expected: StatusCode, reason: &str) -> String {
    assert_eq!(code, expected, "{body}");
    assert_eq!(body["kind"], "Status");
    assert_eq!(body["apiVersion"], "v1");
    assert_eq!(body["status"], "Failure");
    assert_eq!(body["code"], expected.as_u16());
    assert_eq!(body["reason"], reason);
    body["message"].as_str().unwrap().to_owned()
}

/// Waits for a condition, for a while.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
