//! A program that is run to its end.

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::Error;

/// So many of the last lines are shown of a program that failed.
const TAIL_LINES: usize = 15;

/// A command whose process takes no input, does not hear this terminal's Ctrl-C, and ends with this program.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
    command
}

/// Runs a program to its end and returns all it wrote, its standard output first.
///
/// # Errors
/// Where it cannot be started, fails, or takes longer than `patience`, upon which it is killed.
pub(crate) async fn output(name: &str, command: Command, patience: Duration) -> Result<String, Error> {
    let (text, status) = outcome(name, command, patience).await?;
    if status.success() {
        return Ok(text);
    }
    Err(Error::Failed { program: name.to_owned(), status: status.to_string(), last: tail(&text) })
}

/// The same for a program whose exit code is not to be trusted.
///
/// # Errors
/// Where it cannot be started or takes longer than `patience`, upon which it is killed.
pub(crate) async fn outcome(
    name: &str,
    mut command: Command,
    patience: Duration,
) -> Result<(String, ExitStatus), Error> {
    let child = command.spawn().map_err(Error::io(format!("starting {name}")))?;
    let output = match timeout(patience, child.wait_with_output()).await {
        Ok(output) => output.map_err(Error::io(format!("waiting for {name}")))?,
        Err(_) => return Err(Error::Timeout { awaited: format!("The end of {name}"), seconds: patience.as_secs() }),
    };
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Ok((text, output.status))
}

/// The last lines of an output, indented.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shell(script: &str, patience: Duration) -> Result<String, String> {
        let mut command = command("/bin/sh");
        command.args(["-c", script]);
        output("the script", command, patience).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn what_it_wrote_is_returned_or_shown() {
        let minute = Duration::from_secs(60);
        assert_eq!(shell("echo out; echo err >&2", minute).await.unwrap(), "out\nerr\n");
        let error = shell("echo why >&2; exit 3", minute).await.unwrap_err();
        assert_eq!(error, "the script ended with exit status: 3; the last it wrote:\n    why");
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up() {
        let error = shell("sleep 60", Duration::from_millis(50)).await.unwrap_err();
        assert!(error.starts_with("The end of the script did not happen"), "{error}");
    }
}
