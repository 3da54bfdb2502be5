//! From the start of a command to its result.

use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use ropewalk_core::{BoxError, ToolContext, ToolOutput};
use tokio::process::Child;

use super::group::Group;
use super::output::Output;
use crate::folder::WorkingFolder;

/// The longest time that a command may take.
const MOST: Duration = Duration::from_secs(3600);

/// How long is waited for the last output of a command that has ended.
const GRACE: Duration = Duration::from_secs(1);

/// How a command came to its end.
enum End {
    Exit(ExitStatus),
    Timeout,
    Cancelled,
}

/// Runs a command line to its end, or to the time when it has to stop.
pub(super) async fn run(
    folder: &WorkingFolder,
    line: &str,
    timeout: Duration,
    context: &ToolContext,
) -> Result<ToolOutput, BoxError> {
    if line.trim().is_empty() {
        return Err("the command is empty: give a command line such as `ls`".into());
    }
    if timeout.is_zero() || timeout > MOST {
        let (given, most) = (timeout.as_secs(), MOST.as_secs());
        return Err(
            format!("a timeout of {given} seconds is not possible: give 1 to {most}").into()
        );
    }
    let mut child = Group::command(line)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("the shell can't be started: {error}"))?;
    let mut group = Group::of(&child);
    let (mut out, mut err) = (Output::default(), Output::default());
    let end = {
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let reading = async { tokio::join!(out.read(stdout), err.read(stderr)) };
        let ending = to_the_end(&mut child, &mut group, reading);
        tokio::select! {
            end = ending => End::Exit(end?),
            () = tokio::time::sleep(timeout) => End::Timeout,
            () = context.cancel().cancelled() => End::Cancelled,
        }
    };
    group.kill();
    if !matches!(end, End::Exit(_)) {
        child.wait().await?;
    }
    Ok(result(&end, timeout, &out.text(), &err.text()))
}

/// Waits until the shell has ended and all it printed is read. What it left running is ended: it
/// would keep the output open.
async fn to_the_end(
    child: &mut Child,
    group: &mut Group,
    reading: impl Future,
) -> std::io::Result<ExitStatus> {
    let mut reading = pin!(reading);
    let status = tokio::select! {
        status = child.wait() => status?,
        // Nothing more can be printed, but it may still run.
        _ = &mut reading => return child.wait().await,
    };
    group.kill();
    // A process that left the group may keep the output open for ever: then what is there will do.
    let _ = tokio::time::timeout(GRACE, reading).await;
    Ok(status)
}

fn result(end: &End, timeout: Duration, out: &str, err: &str) -> ToolOutput {
    let printed = match (out.is_empty(), err.is_empty()) {
        (true, true) => "(it printed nothing)".to_owned(),
        (false, true) => out.to_owned(),
        (true, false) => format!("[standard error]\n{err}"),
        (false, false) => format!("{out}\n[standard error]\n{err}"),
    };
    let seconds = timeout.as_secs();
    match end {
        End::Exit(status) if status.success() => ToolOutput::text(printed),
        End::Exit(status) => match status.code() {
            Some(code) => ToolOutput::error(format!("Exit code {code}.\n{printed}")),
            None => ToolOutput::error(format!("The command was killed ({status}).\n{printed}")),
        },
        End::Timeout => ToolOutput::error(format!(
            "The command was stopped because it took longer than {seconds} seconds.\n{printed}"
        )),
        End::Cancelled => ToolOutput::error(format!(
            "The command was stopped because the run was cancelled.\n{printed}"
        )),
    }
}
