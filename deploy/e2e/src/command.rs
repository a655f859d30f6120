//! Other programs: each with a time it may take.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::error::Error;

/// Runs a program to its end, with `input`, and returns what it writes to its standard output.
///
/// # Errors
/// Where it cannot be started, fails, or takes longer than `patience`: then it is killed, and what it has started is told to
/// end.
pub(crate) async fn run(program: &str, arguments: &[&str], input: &str, patience: Duration) -> Result<String, Error> {
    let started = |source| Error::Start { program: program.to_owned(), source };
    let failed = |how: String| Error::Command { command: format!("{program} {}", arguments.join(" ")), how };
    let mut child = quiet(program).args(arguments).stdin(Stdio::piped()).spawn().map_err(started)?;
    let mut group = Started(child.id());
    let stdin = child.stdin.take();
    let whole = async {
        if let Some(mut stdin) = stdin {
            // It may end without having read it all; how it ended tells why.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let Ok(output) = tokio::time::timeout(patience, whole).await else {
        return Err(failed(format!("took more than {} s", patience.as_secs())));
    };
    group.0 = None;
    let output = output.map_err(started)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(format!("ended with {}: {}", output.status, said.trim())))
    }
}

/// The process group of a program that has not ended. A script's own death would leave the helm it runs at work, against
/// what cleans up meanwhile.
struct Started(Option<u32>);

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(id) = self.0 {
            let _ = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{id}")]).status();
        }
    }
}

/// A program that is silent, and ends when it is let go of. Ctrl-C reaches this process alone, which ends the others.
pub(crate) fn quiet(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::patience::seconds;

    #[tokio::test]
    async fn what_a_script_runs_ends_with_it() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = format!("(exec 3<>/dev/tcp/127.0.0.1/{port}; sleep 1000) & wait");
        let arguments = ["-c", &script];
        // Its connection lives as long as it does.
        let mut connection = tokio::select! {
            ended = run("bash", &arguments, "", seconds(60)) => panic!("{ended:?}"),
            accepted = listener.accept() => accepted.unwrap().0,
        };
        let end = tokio::time::timeout(seconds(30), connection.read(&mut [0])).await;
        assert_eq!(end.unwrap().unwrap(), 0);
    }
}
