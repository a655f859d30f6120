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
        let answer =
            async { self.client.get(format!("http://{at}{path}")).send().await?.error_for_status()?.json().await };
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
