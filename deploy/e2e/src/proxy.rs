//! The way to the cluster: `kubectl proxy`, and through the API server on to pods and services.

use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use crate::command::quiet;
use crate::error::Error;

/// How long the proxy may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// A running `kubectl proxy` on a free port. It ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    _child: Child,
    address: String,
    client: reqwest::Client,
}

impl Proxy {
    /// Starts it for a kube context.
    ///
    /// # Errors
    /// Where it does not say in time on which port it serves.
    pub(crate) async fn start(context: &str) -> Result<Self, Error> {
        let program = || "kubectl proxy".to_owned();
        let mut command = quiet("kubectl");
        command.args(["--context", context, "proxy", "--port=0"]).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|source| Error::Start { program: program(), source })?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut stdout = BufReader::new(stdout);
            let _ = tokio::time::timeout(START_TIMEOUT, stdout.read_line(&mut line)).await;
        }
        // It says: Starting to serve on 127.0.0.1:41873
        let address = line.split_whitespace().last().filter(|address| address.contains(':'));
        let Some(address) = address.map(str::to_owned) else {
            return Err(Error::Command { command: program(), how: format!("does not say where it serves: '{line}'") });
        };
        let client = reqwest::Client::builder().timeout(ANSWER_TIMEOUT).no_proxy().build();
        let client = client.map_err(|error| unanswered("the HTTP client", &error))?;
        Ok(Self { _child: child, address, client })
    }

    /// A path of the API server as a URL, for other programs.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What a path of the API server answers, as text.
    ///
    /// # Errors
    /// Where it does not answer, or with an error.
    pub(crate) async fn text(&self, path: &str) -> Result<String, Error> {
        self.send(path, self.client.get(self.url(path))).await
    }

    /// What a path of the API server answers.
    ///
    /// # Errors
    /// Where it does not answer, with an error, or with something else.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        parse(path, &self.text(path).await?)
    }

    /// Tells a path something, and takes its answer.
    ///
    /// # Errors
    /// Where it does not answer, with an error, or with something else.
    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, what: &impl Serialize) -> Result<T, Error> {
        let request = self.client.put(self.url(path)).json(what);
        parse(path, &self.send(path, request).await?)
    }

    async fn send(&self, path: &str, request: reqwest::RequestBuilder) -> Result<String, Error> {
        let response = request.send().await.map_err(|error| unanswered(path, &error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| unanswered(path, &error))?;
        if status.is_success() {
            return Ok(text);
        }
        let reason = format!("{}: {}", status.as_u16(), message(&text));
        Err(Error::Answer { path: path.to_owned(), status: Some(status.as_u16()), reason })
    }
}

fn parse<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Answer {
        path: path.to_owned(),
        status: None,
        reason: format!("{error} in {}", text.chars().take(200).collect::<String>()),
    })
}

/// What an error says in its own words: errors of Kubernetes are objects with a message.
fn message(text: &str) -> String {
    let object: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let told = object.as_ref().and_then(|object| object.get("message").or(object.get("error"))?.as_str());
    told.unwrap_or(text).trim().to_owned()
}

fn unanswered(path: &str, error: &reqwest::Error) -> Error {
    use std::error::Error as _;
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        reason += &format!(": {error}");
        source = error.source();
    }
    Error::Answer { path: path.to_owned(), status: None, reason }
}
