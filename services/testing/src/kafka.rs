//! A real broker of a test's own.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::not_run;
use crate::processes::output;

/// A broker that a test may kill and pause, run by the command that `KAFKA_CONTROL` names. It goes with this.
#[derive(Debug)]
pub struct ControlledKafka {
    control: PathBuf,
    dir: PathBuf,
    port: u16,
    settings: Vec<String>,
}

impl ControlledKafka {
    /// Starts one with these options of the command, if there is one. Without it the test says that it does not run.
    ///
    /// # Panics
    /// Where the broker does not start, or there is no command and `CI` is set.
    #[must_use]
    pub fn start(name: &str, settings: &[&str]) -> Option<Self> {
        let wanting = "KAFKA_CONTROL, a command that runs brokers";
        let Some(control) = std::env::var_os("KAFKA_CONTROL").filter(|control| !control.is_empty()) else {
            assert!(std::env::var_os("CI").is_none(), "{name} needs {wanting}");
            not_run(name, wanting);
            return None;
        };
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{name}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(format!("lagless-{id}"));
        let settings = settings.iter().map(ToString::to_string).collect();
        let kafka = Self { control: control.into(), dir, port: free_port(), settings };
        kafka.start_again();
        Some(kafka)
    }

    /// The listener without a login.
    #[must_use]
    pub fn bootstrap_servers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The listener with SCRAM, where the settings ask for it.
    #[must_use]
    pub fn scram_servers(&self) -> String {
        format!("127.0.0.1:{}", self.port + 1000)
    }

    /// Starts it after a kill, with what it had.
    pub fn start_again(&self) {
        let port = self.port.to_string();
        let mut arguments = vec!["start", "--port", &port];
        arguments.extend(self.settings.iter().map(String::as_str));
        self.control(&arguments);
    }

    /// SIGKILL.
    pub fn kill9(&self) {
        self.control(&["kill9"]);
    }

    /// SIGKILL, and all its data lost: when it starts again it knows no topic and no group.
    ///
    /// # Panics
    /// Where its directory cannot be removed.
    pub fn kill9_and_wipe(&self) {
        self.kill9();
        std::fs::remove_dir_all(&self.dir).unwrap();
    }

    /// SIGSTOP.
    pub fn pause(&self) {
        self.control(&["pause"]);
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.control(&["resume"]);
    }

    /// Changes rights with Kafka's own tool, over the listener without a login.
    pub fn acl(&self, arguments: &[&str]) {
        let tool = ["run", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", &self.bootstrap_servers()];
        run(Command::new(&self.control).args(tool).args(arguments));
    }

    fn control(&self, arguments: &[&str]) {
        run(Command::new(&self.control).args(arguments).arg("--dir").arg(&self.dir));
    }
}

impl Drop for ControlledKafka {
    fn drop(&mut self) {
        // Best effort: the test has its result already.
        let stop = output(Command::new(&self.control).arg("kill9").arg("--dir").arg(&self.dir));
        if stop.is_ok_and(|output| output.status.success()) {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

fn run(command: &mut Command) {
    let output = output(command.stdin(Stdio::null())).unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The command takes this port, and those 1000 and 2000 above it.
fn free_port() -> u16 {
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = 20_000 + (std::process::id() * 7) % 5_000;
    (0..1_000)
        .map(|_| u16::try_from(first + NEXT.fetch_add(3, Ordering::Relaxed)).unwrap())
        .find(|port| is_free(*port) && is_free(port + 1000) && is_free(port + 2000))
        .unwrap()
}
