//! The real program.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use testing::processes::{output, spawn};

use testing::eventually;

use super::Events;
use super::watch::{get, settings};

/// A monitor in a process of its own.
pub(crate) struct MonitorProcess {
    address: SocketAddr,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
}

impl MonitorProcess {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(servers: &str, groups: &str, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_monitor"));
        command.env_clear().envs(settings(servers, groups, more)).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = spawn(&mut command).unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, written) = (BufReader::new(child.stdout.take().unwrap()), Arc::clone(&log));
        std::thread::spawn(move || {
            lines.lines().map_while(Result::ok).for_each(|line| written.lock().unwrap().push(line));
        });
        let address = eventually("the process to listen", async || {
            let lines = log.lock().unwrap();
            lines.iter().find_map(|line| serde_json::from_str::<Value>(line).ok()?["address"].as_str()?.parse().ok())
        })
        .await;
        Self { address, child, log }
    }

    /// Runs it with these variables alone, to its end.
    pub(crate) fn run_to_end(variables: &[(&str, &str)]) -> Output {
        output(Command::new(env!("CARGO_BIN_EXE_monitor")).env_clear().envs(variables.iter().copied())).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        get(self.address, path).await.unwrap()
    }

    /// The stream of events.
    pub(crate) async fn events(&self) -> Events {
        Events::open(self.address, "").await
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        eventually("readiness", async || (self.get("/readyz").await.0 == 200).then_some(())).await;
    }

    /// All of its log.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// SIGTERM; its exit code and how long that took.
    pub(crate) async fn terminate(mut self) -> (Option<i32>, Duration) {
        let begun = Instant::now();
        let told = output(Command::new("kill").args(["-TERM", &self.child.id().to_string()])).unwrap();
        assert!(told.status.success());
        let status = eventually("the process to end", async || self.child.try_wait().unwrap()).await;
        (status.code(), begun.elapsed())
    }
}

impl Drop for MonitorProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Shown by the test runner for a test that fails.
            println!("the monitor's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A broker to which one can connect and which never answers.
pub(crate) struct Silence(TcpListener);

impl Silence {
    pub(crate) fn keep() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn bootstrap_servers(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }
}
