//! What the services answer over HTTP, as far as the story asks.

use std::net::SocketAddr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A consumer's `GET /assignment`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Assignment {
    /// What it has.
    pub(crate) partitions: Vec<Owned>,
}

/// A partition that a consumer has.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Owned {
    /// Its number.
    pub(crate) partition: i32,
    /// How many of its updates are being worked on.
    pub(crate) in_flight: u64,
}

/// The producer's `GET /load`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Load {
    /// Whether it still sends.
    pub(crate) running: bool,
    /// How many updates Kafka has acknowledged.
    pub(crate) acknowledged: u64,
    /// How many it has not, for good.
    pub(crate) failed: u64,
}

/// The producer's `GET /routing`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Routing {
    /// By symbol, then partition.
    pub(crate) routes: Vec<Route>,
}

/// Where a symbol's updates went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    /// The symbol.
    pub(crate) symbol: String,
    /// Its partition.
    pub(crate) partition: i32,
    /// How many of its updates that has.
    pub(crate) updates: u64,
}

/// The monitor's `GET /api/v1/groups/{group}/desired`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Desired {
    /// How many consumers the group needs.
    pub(crate) desired: u32,
}

/// What the story takes from the monitor's `GET /api/v1/groups/{group}`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Standing {
    /// Updates not committed, where that is known.
    pub(crate) lag: Option<u64>,
    /// Age of the oldest of them, in seconds, where that is known.
    pub(crate) delay_seconds: Option<f64>,
}

/// The monitor's `GET /api/v1/groups/{group}/plans`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plans {
    /// The newest first.
    pub(crate) plans: Vec<Decision>,
}

/// A number of consumers and why.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Decision {
    /// When it was made, in milliseconds since 1970.
    pub(crate) at_ms: u64,
    /// In one sentence, which begins with the number.
    pub(crate) sentence: String,
}

/// Asks services.
#[derive(Clone, Debug)]
pub(crate) struct FrontDoor {
    client: reqwest::Client,
}

impl FrontDoor {
    /// A client that gives up after 3 seconds.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub(crate) fn new() -> Result<Self, Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build();
        client.map(|client| Self { client }).map_err(|error| mute("the HTTP client", &error))
    }

    /// Asks one thing of one process.
    ///
    /// # Errors
    /// Where it does not answer, or answers something else.
    pub(crate) async fn get<T: DeserializeOwned>(&self, process: &str, at: SocketAddr, path: &str) -> Result<T, Error> {
        self.send(process, self.client.get(format!("http://{at}{path}"))).await
    }

    /// Tells one process something, and takes its answer.
    ///
    /// # Errors
    /// Where it refuses it, does not answer, or answers something else.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        process: &str,
        at: SocketAddr,
        path: &str,
        what: &impl Serialize,
    ) -> Result<T, Error> {
        self.send(process, self.client.put(format!("http://{at}{path}")).json(what)).await
    }

    async fn send<T: DeserializeOwned>(&self, process: &str, request: reqwest::RequestBuilder) -> Result<T, Error> {
        let answer = async { request.send().await?.error_for_status()?.json().await };
        answer.await.map_err(|error: reqwest::Error| mute(process, &error))
    }
}

fn mute(process: &str, error: &reqwest::Error) -> Error {
    use std::error::Error as _;
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        reason += &format!(": {error}");
        source = error.source();
    }
    Error::Mute { process: process.to_owned(), reason }
}
