//! A program with all the processes that it starts.

use tokio::process::{Child, Command};

/// The processes of one program. They are ended when this is dropped: a call whose future is given
/// up leaves nothing running.
pub(super) struct Group {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    /// Lets a program be the first of a group.
    pub(super) fn prepare(command: &mut Command) {
        command.process_group(0);
    }

    /// The group of a child that was [prepared](Self::prepare).
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
    /// Nothing to do.
    pub(super) fn prepare(_: &mut Command) {}

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
