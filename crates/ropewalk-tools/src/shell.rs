//! Running shell commands.

mod run;

use std::time::Duration;

use ropewalk_core::__macro_support::parse_input;
use ropewalk_core::{BoxError, BoxFuture, ToolContext, ToolOutput};
use ropewalk_macros::tool;
use serde::Deserialize;
use serde_json::Value;

use crate::folder::WorkingFolder;

/// How long a command may take unless it is said, in seconds.
const USUAL_SECONDS: u64 = 120;

/// The tool `shell`: runs a command line in the process's current folder; for another folder see
/// [`WorkingFolder::shell`].
///
/// It takes `command` and `timeout_seconds` (120 unless given) and gives what is printed, of much
/// only the beginning and the end. The command has no input. When it ends, takes too long, or the
/// run is cancelled, all processes that it started are ended, except those that made a process group
/// of their own. An exit code other than 0 is an error result.
///
/// ```
/// # #[cfg(unix)]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use ropewalk_core::ToolResult;
/// use ropewalk_tools::shell;
///
/// let result = shell().try_out(serde_json::json!({"command": "echo hello; exit 3"})).await;
/// assert_eq!(result, ToolResult::error("try_out", "Exit code 3.\nhello"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[tool(
    description = "Runs a shell command in the working folder and gives what it prints.",
    example(
        request = "List the files here",
        input = {"command": "ls"},
        result = "Cargo.toml\nsrc",
        answer = "The files here are Cargo.toml and src.",
    ),
    example(
        request = "Run the command git status --short",
        input = {"command": "git status --short"},
        result = " M src/main.rs",
        answer = "The command printed: M src/main.rs",
    ),
    example(
        request = "Run make test in the shell",
        input = {"command": "make test"},
        result = "12 passed",
        answer = "make test printed: 12 passed",
    )
)]
pub async fn shell(
    /// the command line, for `sh -c`
    #[schemars(length(min = 1))]
    command: String,
    /// after so many seconds it is stopped
    #[tool(default = USUAL_SECONDS)]
    #[schemars(range(min = 1, max = 3600))]
    timeout_seconds: u64,
    context: ToolContext,
) -> Result<ToolOutput, BoxError> {
    let folder = WorkingFolder::current()?;
    run::run(&folder, &command, Duration::from_secs(timeout_seconds), &context).await
}

#[derive(Deserialize)]
struct Arguments {
    command: String,
    #[serde(default = "usual_seconds")]
    timeout_seconds: u64,
}

fn usual_seconds() -> u64 {
    USUAL_SECONDS
}

/// [`shell`] in a folder.
pub(crate) fn run_in(
    folder: WorkingFolder,
    input: Value,
    context: ToolContext,
) -> BoxFuture<'static, Result<ToolOutput, BoxError>> {
    Box::pin(async move {
        let schema = &shell().static_spec().input_schema;
        let Arguments { command, timeout_seconds } = parse_input(input, schema)?;
        run::run(&folder, &command, Duration::from_secs(timeout_seconds), &context).await
    })
}
