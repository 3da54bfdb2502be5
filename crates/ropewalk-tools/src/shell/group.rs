//! A command with all the processes that it starts.

use tokio::process::{Child, Command};

/// The processes of one command. They are ended when this is dropped: a call whose future is given
/// up leaves nothing running.
pub(super) struct Group {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    /// The shell with a command line.
    pub(super) fn command(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).process_group(0);
        command
    }

    /// The group of a child that was started with [`command`](Self::command).
    pub(super) fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { id: id.and_then(rustix::process::Pid::from_raw) }
    }

    /// Ends all that still runs.
    pub(super) fn kill(&mut self) {
        if let Some(id) = self.id.take() {
            // It fails when nothing runs any more, which is what is wanted.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    /// The shell with a command line.
    pub(super) fn command(line: &str) -> Command {
        let mut command = Command::new("cmd");
        command.arg("/C").arg(line);
        command
    }

    /// There are no groups here: only the child itself is ended, by its handle.
    pub(super) fn of(_: &Child) -> Self {
        Self {}
    }

    /// Nothing to do.
    pub(super) fn kill(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
