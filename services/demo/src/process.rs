//! A service's process: what it writes is heard, how it ends is known, and it never outlives the demo.

use std::collections::VecDeque;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::Error;
use crate::log_line::LogLine;

/// So many of the last lines are shown when a process fails.
const TAIL_LINES: usize = 20;

/// How long a process may take to tell its address.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a killed process may take to be gone.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    pid: u32,
    child: Child,
    address: watch::Receiver<Option<SocketAddr>>,
    tail: Arc<Mutex<Tail>>,
    readers: JoinSet<()>,
}

/// The last lines of a process, and the file that gets all of them.
#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    file: Option<std::fs::File>,
}

impl Tail {
    fn add(&mut self, line: &str) {
        if let Some(file) = &mut self.file {
            // A full disk is no reason to end the story.
            let _ = writeln!(file, "{line}");
        }
        if self.lines.len() == TAIL_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }
}

impl Process {
    /// Starts a program. `hear` is given what it writes to its standard output, line by line; all it writes goes to
    /// `NAME.log` in the directory `logs`.
    ///
    /// # Errors
    /// Where the program or the log file cannot be had.
    pub(crate) fn spawn(
        mut command: Command,
        name: &str,
        logs: Option<&Path>,
        hear: impl Fn(LogLine) + Send + 'static,
    ) -> Result<Self, Error> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C reaches the demo alone, which ends the others in order.
            .process_group(0)
            .kill_on_drop(true);
        die_with_this_process(&mut command);
        let file = match logs {
            Some(directory) => Some(create_log(directory, name)?),
            None => None,
        };
        let mut child = command.spawn().map_err(|error| Error::io(format!("starting {name}"), error))?;
        let tail = Arc::new(Mutex::new(Tail { file, ..Tail::default() }));
        let (tell_address, address) = watch::channel(None);
        let mut readers = JoinSet::new();
        if let Some(output) = child.stdout.take() {
            readers.spawn(read_lines(output, Arc::clone(&tail), move |line| {
                let line = LogLine::parse(line);
                if let LogLine::Listening(address) = line {
                    tell_address.send_replace(Some(address));
                }
                hear(line);
            }));
        }
        if let Some(errors) = child.stderr.take() {
            readers.spawn(read_lines(errors, Arc::clone(&tail), |_| {}));
        }
        let pid = child.id().unwrap_or_default();
        Ok(Self { name: name.to_owned(), pid, child, address, tail, readers })
    }

    /// The process's number.
    #[must_use]
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// The address of its HTTP side, once it tells it.
    ///
    /// # Errors
    /// Where it ends before it does, or takes longer than 20 seconds.
    pub(crate) async fn address(&mut self) -> Result<SocketAddr, Error> {
        let mut told = self.address.clone();
        tokio::select! {
            address = timeout(START_TIMEOUT, told.wait_for(Option::is_some)) => match address {
                Ok(Ok(address)) => return address.ok_or_else(|| self.mute("no address")),
                // Its output is closed: it is about to end.
                Ok(Err(_)) => {}
                Err(_) => return Err(self.mute("it did not tell its address in time")),
            },
            _ = self.child.wait() => {}
        }
        let status = self.wait(KILL_TIMEOUT).await?;
        Err(self.ended(status).await)
    }

    /// Fails if the process has ended.
    ///
    /// # Errors
    /// How it ended.
    pub(crate) async fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status).await),
            Err(error) => Err(Error::io(format!("looking after {}", self.name), error)),
        }
    }

    /// Asks it to end, with SIGTERM.
    #[allow(unsafe_code, reason = "the standard library sends no other signal than SIGKILL")]
    pub(crate) fn terminate(&self) {
        // A process that was waited for has no number any more, which somebody else may have got since.
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            // SAFETY: no memory is involved; the number is that of a child that was not waited for.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
    }

    /// Ends it at once, with SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// Where it is not.
    pub(crate) async fn kill(&mut self) -> Result<(), Error> {
        let doing = || format!("killing {}", self.name);
        self.child.start_kill().map_err(|error| Error::io(doing(), error))?;
        self.wait(KILL_TIMEOUT).await.map(|_| ())
    }

    /// Waits until it has ended in good order.
    ///
    /// # Errors
    /// Where it does not within `patience`, or with another exit code than 0.
    pub(crate) async fn finished(&mut self, patience: Duration) -> Result<(), Error> {
        let status = self.wait(patience).await?;
        if status.success() { Ok(()) } else { Err(self.ended(status).await) }
    }

    async fn wait(&mut self, patience: Duration) -> Result<ExitStatus, Error> {
        match timeout(patience, self.child.wait()).await {
            Ok(result) => result.map_err(|error| Error::io(format!("waiting for {}", self.name), error)),
            Err(_) => Err(Error::Timeout {
                awaited: format!("The end of {}", self.name),
                seconds: patience.as_secs(),
                last: String::new(),
            }),
        }
    }

    async fn ended(&mut self, status: ExitStatus) -> Error {
        // What it wrote last may not have been read yet.
        let _ = timeout(Duration::from_secs(1), async { while self.readers.join_next().await.is_some() {} }).await;
        let lines = &self.tail.lock().unwrap_or_else(PoisonError::into_inner).lines;
        let last = lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n");
        Error::Ended { process: self.name.clone(), status: status.to_string(), last }
    }

    fn mute(&self, reason: &str) -> Error {
        Error::Mute { process: self.name.clone(), reason: reason.to_owned() }
    }
}

async fn read_lines(stream: impl AsyncRead + Unpin, tail: Arc<Mutex<Tail>>, hear: impl Fn(&str)) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tail.lock().unwrap_or_else(PoisonError::into_inner).add(&line);
        hear(&line);
    }
}

fn create_log(directory: &Path, name: &str) -> Result<std::fs::File, Error> {
    let path = directory.join(format!("{name}.log"));
    std::fs::create_dir_all(directory)
        .and_then(|()| std::fs::File::create(&path))
        .map_err(|error| Error::io(format!("creating {}", path.display()), error))
}

/// Has the system kill the child when the thread that starts it ends: even where the demo itself is killed.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "what a child does before it becomes another program is unsafe to say")]
fn die_with_this_process(command: &mut Command) {
    let parent = i32::try_from(std::process::id()).unwrap_or_default();
    // SAFETY: between fork and exec the closure calls only prctl and getppid, which are async-signal-safe, and
    // allocates nothing.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(std::io::Error::last_os_error());
            }
            // The parent may have died before the call took effect.
            if libc::getppid() == parent { Ok(()) } else { Err(std::io::Error::from_raw_os_error(libc::ESRCH)) }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_this_process(_command: &mut Command) {}

#[cfg(test)]
mod tests {
    use super::*;

    fn spawn(script: &str) -> Process {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]);
        Process::spawn(shell, "program", None, |_| {}).unwrap()
    }

    #[tokio::test]
    async fn its_address_is_learned_and_it_ends_when_asked_to() {
        let mut process = spawn(r#"echo '{"message":"listening","address":"127.0.0.1:7"}'; exec sleep 60"#);
        assert_eq!(process.address().await.unwrap(), "127.0.0.1:7".parse().unwrap());
        process.check().await.unwrap();
        process.terminate();
        let error = process.finished(Duration::from_secs(5)).await.unwrap_err().to_string();
        assert!(error.starts_with("program ended with signal: 15"), "{error}");
    }

    #[tokio::test]
    async fn what_it_wrote_last_is_shown_when_it_fails() {
        let error = spawn("echo 'RATE is wrong' >&2; exit 2").address().await.unwrap_err().to_string();
        assert_eq!(error, "program ended with exit status: 2; the last it wrote:\n    RATE is wrong");
    }

    #[tokio::test]
    async fn a_killed_process_is_gone() {
        let mut process = spawn("exec sleep 60");
        let pid = process.pid();
        process.kill().await.unwrap();
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
