//! A program as a tool.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ropewalk_core::{
    BoxError, BoxFuture, Error, ErrorKind, Replay, Tool, ToolContext, ToolOutput, ToolSpec,
};
use serde_json::Value;
use tokio::process::Command;

use super::scan::{Fingerprint, is_executable};
use super::spec::{self, Printed};
use super::{ToolDirectoryOptions, result};
use crate::process::{self, Output};

/// The longest result that a program may print as JSON, in bytes: a picture must fit.
const MOST: usize = 4 * 1024 * 1024;

/// A program that is a tool, in any language.
///
/// Run with the one argument `--tool-spec` it prints what the model is told about it, as Strands'
/// `ToolSpec`: an object with
///
/// | key | what it says |
/// |---|---|
/// | `name` | the tool's name; the file's name without extension unless given |
/// | `description` | what it does and when to use it |
/// | `inputSchema` | the JSON Schema of its arguments, under `json` or as it is; unless given it takes none |
/// | `replay` | what may be done with a call that was cut off: `never` (unless given), `idempotent` or `pure`; see [`Replay`] |
///
/// and whatever else a [`ToolSpec`] may hold. Run without an argument it reads the arguments of one call,
/// a JSON object, from its standard input and prints the result on standard output:
///
/// - a JSON object with `status` and `content` is a tool result as in Strands;
/// - anything else is a text; of a long one the model is shown the beginning and the end;
/// - an exit status other than 0 is an error result with what it printed on standard error.
///
/// The environment is that of this process, with `ROPEWALK_TOOL_USE_ID` and `ROPEWALK_IDEMPOTENCY_KEY`,
/// which is the same each time this very call is made and different for every other
/// ([`ToolContext::idempotency_key`]). When it ends, takes too long, the run is cancelled or the call is
/// dropped, all processes that it started are ended, except those that made a process group of their own.
///
/// A program whose file has changed since it printed its spec is not called: what was approved is what
/// runs. A [`ToolDirectory`](super::ToolDirectory) asks it again by itself.
pub struct ProgramTool {
    path: PathBuf,
    /// Of the file as it was when it printed its spec.
    fingerprint: Fingerprint,
    spec: ToolSpec,
    replay: Replay,
    call_timeout: Duration,
    working_folder: Option<PathBuf>,
}

impl ProgramTool {
    /// Asks a program for its spec.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`]: there is no such file, it is not executable, fails, takes longer
    /// than 10 seconds, or prints no spec.
    pub async fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::load_with(path, &ToolDirectoryOptions::new()).await
    }

    /// Asks a program for its spec; it is run as the options say. Nothing is watched.
    ///
    /// # Errors
    /// As for [`load`](Self::load), with the time that the options say.
    pub async fn load_with(
        path: impl AsRef<Path>,
        options: &ToolDirectoryOptions,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let refuse = |why: String| {
            let text = format!("the tool `{}` can't be loaded: {why}", path.display());
            Error::new(ErrorKind::InvalidInput, text)
        };
        let whole = path.canonicalize().map_err(|error| refuse(error.to_string()))?;
        let file = whole.metadata().map_err(|error| refuse(error.to_string()))?;
        if !file.is_file() || !is_executable(&whole, &file) {
            return Err(refuse("it is no executable file".to_owned()));
        }
        Self::ask(&whole, Fingerprint::of(&file), options).await.map_err(refuse)
    }

    /// Asks the program of a file in this state.
    pub(super) async fn ask(
        path: &Path,
        fingerprint: Fingerprint,
        options: &ToolDirectoryOptions,
    ) -> Result<Self, String> {
        let mut command = command(path, options.working_folder.as_deref());
        command.arg("--tool-spec");
        let Printed { spec, replay } = spec::ask(command, path, options.spec_timeout).await?;
        Ok(Self {
            path: path.to_owned(),
            fingerprint,
            spec,
            replay,
            call_timeout: options.call_timeout,
            working_folder: options.working_folder.clone(),
        })
    }

    /// The program's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    async fn run(&self, input: Value, context: ToolContext) -> Result<ToolOutput, BoxError> {
        let shown = self.path.display();
        if Fingerprint::read(&self.path).ok() != Some(self.fingerprint) {
            return Err(format!(
                "`{shown}` has changed since it said what it does, and was not run: it has to be loaded again"
            )
            .into());
        }
        let mut command = command(&self.path, self.working_folder.as_deref());
        command
            .env("ROPEWALK_TOOL_USE_ID", &context.tool_use().tool_use_id)
            .env("ROPEWALK_IDEMPOTENCY_KEY", context.idempotency_key());
        let input = match input {
            // Nothing at all counts as no arguments.
            Value::Null => "{}".to_owned(),
            input => input.to_string(),
        };
        let (out, cancelled) = (Output::whole_up_to(MOST), context.cancel().cancelled());
        let ended =
            process::run(command, Some(input.as_bytes()), out, self.call_timeout, cancelled)
                .await
                .map_err(|error| format!("`{shown}` can't be run: {error}"))?;
        Ok(result::of(&ended, self.call_timeout))
    }
}

fn command(path: &Path, folder: Option<&Path>) -> Command {
    let mut command = Command::new(path);
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    command
}

impl Tool for ProgramTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        Box::pin(self.run(input, context))
    }

    fn replay(&self) -> Replay {
        self.replay
    }
}

impl fmt::Debug for ProgramTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgramTool")
            .field("name", &self.spec.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
