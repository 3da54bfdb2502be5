//! From the start of a command to its result.

use std::time::Duration;

use ropewalk_core::{BoxError, ToolContext, ToolOutput};
use tokio::process::Command;

use crate::folder::WorkingFolder;
use crate::process::{self, End, Ended, Output};

/// The longest time that a command may take.
const MOST: Duration = Duration::from_secs(3600);

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
    let mut command = shell(line);
    command.current_dir(folder.path());
    let cancelled = context.cancel().cancelled();
    let ended = process::run(command, None, Output::default(), timeout, cancelled)
        .await
        .map_err(|error| format!("the shell can't be run: {error}"))?;
    Ok(result(&ended, timeout))
}

/// The shell with a command line.
fn shell(line: &str) -> Command {
    let (shell, option) = if cfg!(unix) { ("sh", "-c") } else { ("cmd", "/C") };
    let mut command = Command::new(shell);
    command.arg(option).arg(line);
    command
}

fn result(ended: &Ended, timeout: Duration) -> ToolOutput {
    let (out, err) = (ended.out.text(), ended.err.text());
    let printed = match (out.is_empty(), err.is_empty()) {
        (true, true) => "(it printed nothing)".to_owned(),
        (false, true) => out,
        (true, false) => format!("[standard error]\n{err}"),
        (false, false) => format!("{out}\n[standard error]\n{err}"),
    };
    let seconds = timeout.as_secs();
    match ended.end {
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
