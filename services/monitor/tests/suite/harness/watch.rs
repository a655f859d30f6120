//! A monitor in this process. Every answer it gives is held against its description.

use std::net::SocketAddr;
use std::time::Duration;

use monitor::{Config, Error, Monitor};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use testing::{PATIENCE, eventually};

use super::{Contract, Events, Venue};

/// Its settings in tests, of which some are replaced.
pub(crate) fn settings(servers: &str, groups: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("KAFKA_BOOTSTRAP_SERVERS", servers),
        ("GROUPS", groups),
        ("INTERVAL", "100ms"),
        ("READ_TIMEOUT", "1s"),
        ("HTTP_ADDR", "127.0.0.1:0"),
    ];
    let usual = usual.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| other != name));
    usual.chain(more.iter().copied()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Asks over HTTP; `None` where nobody answers. What the API says is held against its description.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let response = client.get(format!("http://{address}{path}")).send().await.ok()?;
    let (status, text) = (response.status().as_u16(), response.text().await.ok()?);
    if path.starts_with("/api/") {
        Contract::assert_answer(path, status, &serde_json::from_str(&text).unwrap());
    }
    Some((status, text))
}

/// A running monitor.
pub(crate) struct Watch {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    run: JoinHandle<Result<(), Error>>,
}

impl Watch {
    /// Watches groups of a venue, as `GROUPS` names them.
    pub(crate) async fn start(venue: &Venue, groups: &str, more: &[(&str, &str)]) -> Self {
        let config: Config = common::config::load(settings(&venue.bootstrap_servers, groups, more)).unwrap();
        let monitor = Monitor::bind(config).await.unwrap();
        let (address, shutdown) = (monitor.address(), CancellationToken::new());
        let run = tokio::spawn(monitor.run(shutdown.clone()));
        Self { address, shutdown, run }
    }

    /// The status and the text of an answer.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        get(self.address, path).await.unwrap()
    }

    /// The status and the JSON of an answer of the API.
    pub(crate) async fn ask(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.get(&format!("/api/v1/{path}")).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    /// The short answer about a group.
    pub(crate) async fn desired(&self, group: &str) -> (u16, Value) {
        self.ask(&format!("groups/{group}/desired")).await
    }

    /// The decisions about a group, the newest first.
    pub(crate) async fn plans(&self, group: &str) -> Vec<Value> {
        let (status, plans) = self.ask(&format!("groups/{group}/plans")).await;
        assert_eq!(status, 200, "{plans}");
        plans["plans"].as_array().unwrap().clone()
    }

    /// Waits until a group is seen as it should be; that view of it.
    pub(crate) async fn sees(&self, what: &str, group: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let seen = tokio::time::timeout(PATIENCE / 2, async {
            eventually(what, async || {
                let (status, view) = self.ask(&format!("groups/{group}")).await;
                last = view;
                (status == 200 && is_so(&last)).then(|| last.clone())
            })
            .await
        })
        .await;
        seen.unwrap_or_else(|_| panic!("waited in vain for {what}; it is {last:#}"))
    }

    /// Waits until a round has read a group after this moment; that view of it.
    pub(crate) async fn next_round(&self, group: &str) -> Value {
        let now_ms = super::now_ms();
        self.sees("a round", group, |view| view["at_ms"].as_u64() > Some(now_ms)).await
    }

    /// Waits until the short answer is so many.
    pub(crate) async fn wants(&self, group: &str, count: u64) -> Value {
        eventually(&format!("{count} consumers to be asked for"), async || {
            let (status, desired) = self.desired(group).await;
            (status == 200 && desired["desired"] == count).then_some(desired)
        })
        .await
    }

    /// The stream of events.
    pub(crate) async fn events(&self, query: &str) -> Events {
        Events::open(self.address, query).await
    }

    /// The page of metrics.
    pub(crate) async fn metrics(&self) -> String {
        self.get("/metrics").await.1
    }

    /// The value of a series, named with all its labels in order; `None` if there is none.
    pub(crate) async fn metric(&self, series: &str) -> Option<f64> {
        let page = self.metrics().await;
        page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// Tells it to shut down and waits until it has; returns how it ended.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(2), self.run).await.unwrap().unwrap()
    }
}
