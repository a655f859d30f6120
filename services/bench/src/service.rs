//! One of our own programs, as a process of the release build.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::Error;
use crate::child;
use crate::memory::Resident;

/// How long a service may take to listen, to be ready, or to end when asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How often `/readyz` is asked: the error of the time to readiness.
const READY_TICK: Duration = Duration::from_millis(2);

/// So many of the last lines are kept.
const TAIL_LINES: usize = 20;

/// So many lines may wait for their reader; what comes then is not looked at.
const LINES: usize = 256;

type Tail = Arc<Mutex<VecDeque<String>>>;

/// Where our programs are.
#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    /// The producer.
    pub(crate) producer: PathBuf,
    /// The consumer.
    pub(crate) consumer: PathBuf,
    /// The monitor.
    pub(crate) monitor: PathBuf,
}

impl Binaries {
    /// Finds them beside this program, where cargo puts all of a workspace.
    ///
    /// # Errors
    /// Where one is missing.
    pub(crate) fn beside_this_program() -> Result<Self, Error> {
        let this = std::env::current_exe().map_err(Error::io("finding this program"))?;
        let find = |name: &str| {
            let path = this.with_file_name(name);
            let what = || format!("{} is not there", path.display());
            let remedy = "`cargo build --release -p producer -p consumer -p monitor` builds it";
            if path.is_file() { Ok(path) } else { Err(Error::Missing { what: what(), remedy }) }
        };
        Ok(Self { producer: find("producer")?, consumer: find("consumer")?, monitor: find("monitor")? })
    }
}

/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    name: String,
    child: Child,
    pid: u32,
    started: Instant,
    lines: mpsc::Receiver<String>,
    tail: Tail,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Service {
    /// Starts it with only these environment variables, and waits until it listens.
    ///
    /// # Errors
    /// Where it does not.
    pub(crate) async fn start(program: &Path, variables: &[(&str, String)]) -> Result<Self, Error> {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let http = reqwest::Client::builder().timeout(REQUEST_TIMEOUT).no_proxy().build();
        let http = http.map_err(|source| Error::Http { program: name.clone(), source })?;
        let mut command = child::command(program);
        command.env_clear().env("HTTP_ADDR", "127.0.0.1:0");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let started = Instant::now();
        let mut child = command.spawn().map_err(Error::io(format!("starting {name}")))?;
        let (tell, lines) = mpsc::channel(LINES);
        let tail = Tail::default();
        if let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) {
            tokio::spawn(read(output, Arc::clone(&tail), Some(tell)));
            tokio::spawn(read(errors, Arc::clone(&tail), None));
        }
        let pid = child.id().unwrap_or_default();
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut service = Self { name, child, pid, started, lines, tail, address, http };
        let address = |line: &Value| line.get("address")?.as_str()?.parse().ok();
        service.address = service.hear("address", PATIENCE, address).await?;
        Ok(service)
    }

    /// Waits for a line of its log in which `find` finds something.
    ///
    /// # Errors
    /// Where none comes in time, or it ends.
    pub(crate) async fn hear<T>(
        &mut self,
        what: &'static str,
        patience: Duration,
        find: impl Fn(&Value) -> Option<T>,
    ) -> Result<T, Error> {
        let heard = timeout(patience, async {
            while let Some(line) = self.lines.recv().await {
                if let Some(found) = serde_json::from_str(&line).ok().and_then(|line| find(&line)) {
                    return Some(found);
                }
            }
            None
        });
        match heard.await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => Err(Error::Untold { program: self.name.clone(), what, last: self.last() }),
            Err(_) => {
                Err(Error::Timeout { awaited: format!("The {what} of {}", self.name), seconds: patience.as_secs() })
            }
        }
    }

    /// Waits until it is ready; returns the time from its start until then.
    ///
    /// # Errors
    /// Where it does not answer, or is not ready within 20 seconds.
    pub(crate) async fn ready(&self) -> Result<Duration, Error> {
        let url = format!("http://{}/readyz", self.address);
        loop {
            let answer = self.http.get(&url).send().await.map_err(|source| self.mute(source))?;
            let elapsed = self.started.elapsed();
            if answer.status().is_success() {
                return Ok(elapsed);
            }
            if elapsed >= PATIENCE {
                let awaited = format!("The readiness of {}", self.name);
                return Err(Error::Timeout { awaited, seconds: PATIENCE.as_secs() });
            }
            tokio::time::sleep(READY_TICK).await;
        }
    }

    /// A counter of its `/metrics`.
    ///
    /// # Errors
    /// Where it does not answer, or has no such counter.
    pub(crate) async fn counter<N: FromStr>(&self, name: &'static str) -> Result<N, Error> {
        let text = self.metrics().await?;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
        value.ok_or_else(|| Error::Untold { program: self.name.clone(), what: name, last: self.last() })
    }

    /// All that `/metrics` tells.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(crate) async fn metrics(&self) -> Result<String, Error> {
        let text = async {
            let url = format!("http://{}/metrics", self.address);
            self.http.get(url).send().await?.error_for_status()?.text().await
        };
        text.await.map_err(|source| self.mute(source))
    }

    /// What of it is in memory.
    ///
    /// # Errors
    /// Where it is gone.
    pub(crate) fn resident(&self) -> Result<Resident, Error> {
        Resident::of(self.pid)
    }

    /// Ends it with SIGTERM, as Kubernetes does.
    ///
    /// # Errors
    /// Where it does not end, or not in good order.
    #[allow(unsafe_code, reason = "the standard library sends no other signal than SIGKILL")]
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        // A process that was waited for has no number any more, which somebody else may have got since.
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // SAFETY: no memory is involved; the number is that of a child that was not waited for.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let doing = format!("waiting for {}", self.name);
        let status = match timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.map_err(Error::io(doing))?,
            Err(_) => {
                let awaited = format!("The end of {}", self.name);
                return Err(Error::Timeout { awaited, seconds: PATIENCE.as_secs() });
            }
        };
        if status.success() {
            return Ok(());
        }
        let last = self.last();
        Err(Error::Failed { program: self.name, status: status.to_string(), last })
    }

    fn last(&self) -> String {
        let tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        child::tail(&tail.iter().cloned().collect::<Vec<_>>().join("\n"))
    }

    fn mute(&self, source: reqwest::Error) -> Error {
        Error::Http { program: self.name.clone(), source }
    }
}

async fn read(stream: impl AsyncRead + Unpin, tail: Tail, tell: Option<mpsc::Sender<String>>) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        {
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == TAIL_LINES {
                tail.pop_front();
            }
            tail.push_back(line.clone());
        }
        if let Some(tell) = &tell {
            // Nobody waits for a line any more where they pile up.
            let _ = tell.try_send(line);
        }
    }
}
