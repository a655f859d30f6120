//! Members of the group: in this process, or processes of their own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use consumer::handler::Handler;
use consumer::{Config, Consumer, Error};
use serde_json::Value;
use testing::processes::{output, spawn};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use testing::eventually;

use super::Venue;

fn settings(venue: &Venue, name: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut settings: Vec<(String, String)> = [
        ("KAFKA_BOOTSTRAP_SERVERS", venue.bootstrap_servers.as_str()),
        ("TOPIC", &venue.topic),
        ("OUTPUT_TOPIC", &venue.output),
        ("DEAD_LETTER_TOPIC", &venue.dead_letters),
        ("GROUP", &venue.group),
        ("CLIENT_ID", name),
        ("HTTP_ADDR", "127.0.0.1:0"),
        ("COMMIT_INTERVAL", "200ms"),
        // An empty fetch of the embedded broker takes that long.
        ("FETCH_WAIT", "20ms"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    settings.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
    settings.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    settings
}

/// What is asked over HTTP.
async fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let response = request(address, path, "*/*").await?;
    Some((response.status().as_u16(), response.text().await.ok()?))
}

async fn request(address: SocketAddr, path: &str, accept: &str) -> Option<reqwest::Response> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    client.get(format!("http://{address}{path}")).header("accept", accept).send().await.ok()
}

async fn partitions_at(address: SocketAddr) -> Vec<i64> {
    let Some((200, text)) = get(address, "/assignment").await else {
        return Vec::new();
    };
    let view: Value = serde_json::from_str(&text).unwrap();
    view["partitions"].as_array().unwrap().iter().map(|one| one["partition"].as_i64().unwrap()).collect()
}

async fn metric_at(address: SocketAddr, name: &str) -> f64 {
    let Some((200, text)) = get(address, "/metrics").await else {
        return 0.0;
    };
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("there is no metric {name}"))
}

macro_rules! ask {
    () => {
        pub(crate) async fn get(&self, path: &str) -> Option<(u16, String)> {
            get(self.address, path).await
        }

        pub(crate) async fn partitions(&self) -> Vec<i64> {
            partitions_at(self.address).await
        }

        pub(crate) async fn metric(&self, name: &str) -> f64 {
            metric_at(self.address, name).await
        }

        /// Waits until it has so many partitions.
        pub(crate) async fn has_partitions(&self, count: usize) -> Vec<i64> {
            eventually(&format!("a member to have {count} partitions"), async || {
                Some(self.partitions().await).filter(|partitions| partitions.len() == count)
            })
            .await
        }

        /// Waits until a metric has reached a value.
        pub(crate) async fn reaches(&self, metric: &str, least: f64) {
            eventually(&format!("{metric} to reach {least}"), async || {
                (self.metric(metric).await >= least).then_some(())
            })
            .await;
        }
    };
}

/// A member in this process.
pub(crate) struct Member {
    address: SocketAddr,
    shutdown: CancellationToken,
    run: JoinHandle<Result<(), Error>>,
}

impl Member {
    /// With the provided handler.
    pub(crate) async fn join(venue: &Venue, name: &str, more: &[(&str, &str)]) -> Self {
        let config: Config = common::config::load(settings(venue, name, more)).unwrap();
        Self::run(Consumer::bind(config).await.unwrap())
    }

    /// With a handler of the test's own.
    pub(crate) async fn join_with<H: Handler>(venue: &Venue, name: &str, more: &[(&str, &str)], handler: H) -> Self {
        let config: Config = common::config::load(settings(venue, name, more)).unwrap();
        Self::run(Consumer::bind_with(config, Router::new(), |_, _| handler).await.unwrap())
    }

    fn run<H: Handler>(consumer: Consumer<H>) -> Self {
        let (address, shutdown) = (consumer.address(), CancellationToken::new());
        let run = tokio::spawn(consumer.run(shutdown.clone()));
        Self { address, shutdown, run }
    }

    ask!();

    /// Tells it to shut down and waits until it has.
    pub(crate) async fn leave(self) {
        self.shutdown.cancel();
        self.ended().await.unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> Result<(), Error> {
        tokio::time::timeout(Duration::from_secs(30), self.run).await.unwrap().unwrap()
    }
}

/// A member in a process of its own.
pub(crate) struct MemberProcess {
    pub(crate) name: String,
    address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// Reads the log, until its end.
    reader: Option<thread::JoinHandle<()>>,
}

impl MemberProcess {
    /// Starts the real program and waits until it listens.
    pub(crate) async fn join(venue: &Venue, name: &str, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consumer"));
        command.env_clear().envs(settings(venue, name, more)).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = spawn(&mut command).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, written) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&log));
        let reader = thread::spawn(move || {
            lines.lines().map_while(Result::ok).for_each(|line| written.lock().unwrap().push(line));
        });
        let address = eventually("the process to listen", async || {
            let lines = log.lock().unwrap();
            lines.iter().find_map(|line| serde_json::from_str::<Value>(line).ok()?["address"].as_str()?.parse().ok())
        })
        .await;
        Self { name: name.to_owned(), address, child, log, reader: Some(reader) }
    }

    ask!();

    /// Its metrics in the format that is asked for, and their content type.
    pub(crate) async fn metrics_as(&self, accept: &str) -> (String, String) {
        let response = request(self.address, "/metrics", accept).await.unwrap();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        (content_type, response.text().await.unwrap())
    }

    /// Its log lines so far, those that have this field.
    pub(crate) fn log_with(&self, field: &str) -> Vec<Value> {
        let lines = self.log.lock().unwrap();
        lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line.get(field).is_some())
            .collect()
    }

    /// All of its log.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let told = output(Command::new("kill").args([format!("-{name}"), self.child.id().to_string()])).unwrap();
        assert!(told.status.success());
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end and for all that it logged; returns its exit code and how long it took.
    pub(crate) async fn exit_code(&mut self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        let status = eventually("the process to end", async || self.child.try_wait().unwrap()).await;
        let took = begun.elapsed();
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        (status.code(), took)
    }
}

impl Drop for MemberProcess {
    fn drop(&mut self) {
        if thread::panicking() {
            // Shown by the test runner for a test that fails.
            println!("the log of {}:\n{}", self.name, self.log());
        }
        // No test leaves a process behind, however it ends.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
