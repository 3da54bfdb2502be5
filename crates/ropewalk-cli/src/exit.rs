//! How the command ends.

use std::process::ExitCode;

use ropewalk_core::Error;

/// What to do where the model's server is not there.
const NOBODY_LISTENS: &str = "
Start the server, say where it is (`ropewalk models` names the variable), or use the model inside this program with \
`--model local`. \
`--retries N` waits longer for a server that is about to start.";

/// The exit status, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// 0: done.
    Done,
    /// 1: failed or cancelled.
    Failed,
    /// 2: the command line is wrong.
    Usage,
    /// 3: paused, a question waits for an answer.
    Paused,
    /// 130: stopped from the keyboard.
    Stopped,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Usage => 2,
            Status::Paused => 3,
            Status::Stopped => 130,
        })
    }
}

/// Why the command can't go on: what people read, and the status for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    /// Empty: there is nobody to tell.
    pub(crate) message: String,
}

impl Failure {
    /// The command line asks for something that can't be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut message = error.report();
        if error.is_connection_refused() {
            message.push_str(NOBODY_LISTENS);
        }
        Self { status: Status::Failed, message }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // Whoever read the output has read enough (`… | head`): there is nobody to tell.
        let gone = error.kind() == std::io::ErrorKind::BrokenPipe;
        let message = if gone { String::new() } else { error.to_string() };
        Self { status: Status::Failed, message }
    }
}
