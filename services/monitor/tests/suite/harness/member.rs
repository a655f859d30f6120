//! Members of a group of our consumers: in this process, or processes of their own.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use consumer::{Config, Consumer, Error};
use testing::processes::spawn;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Venue;

fn settings(venue: &Venue, group: &str, topic: &str, name: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let usual = [
        ("KAFKA_BOOTSTRAP_SERVERS", venue.bootstrap_servers.as_str()),
        ("TOPIC", topic),
        ("GROUP", group),
        ("CLIENT_ID", name),
        ("HTTP_ADDR", "127.0.0.1:0"),
        ("COMMIT_INTERVAL", "100ms"),
        // An empty fetch of the embedded broker takes that long.
        ("FETCH_WAIT", "20ms"),
    ];
    usual.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A member in this process.
pub(crate) struct Member {
    shutdown: CancellationToken,
    run: JoinHandle<Result<(), Error>>,
}

impl Member {
    pub(crate) async fn join(venue: &Venue, group: &str, topic: &str, name: &str, more: &[(&str, &str)]) -> Self {
        Self::run(common::config::load(settings(venue, group, topic, name, more)).unwrap()).await
    }

    async fn run(config: Config) -> Self {
        let shutdown = CancellationToken::new();
        let run = tokio::spawn(Consumer::bind(config).await.unwrap().run(shutdown.clone()));
        Self { shutdown, run }
    }

    /// Tells it to shut down and waits until it has.
    pub(crate) async fn leave(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.run).await.unwrap().unwrap().unwrap();
    }
}

/// A member in a process of its own, which can be killed.
pub(crate) struct MemberProcess(Child);

impl MemberProcess {
    /// Starts this very program again, to be nothing but a member.
    pub(crate) fn join(venue: &Venue, group: &str, topic: &str, name: &str) -> Self {
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--ignored", "--exact", &format!("{module}::only_a_member")])
            .env_clear()
            .envs(settings(venue, group, topic, name, &[]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(spawn(&mut command).unwrap())
    }
}

impl Drop for MemberProcess {
    /// SIGKILL.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "no test: what another test starts as a process of its own and kills"]
async fn only_a_member() {
    // Without these it was not another test that began it.
    if let Ok(config) = common::config::load(std::env::vars()) {
        Member::run(config).await.run.await.unwrap().unwrap();
    }
}
