//! How programs are run, and whether their folder is watched.

use std::path::PathBuf;
use std::time::Duration;

/// How the programs of a [`ToolDirectory`](super::ToolDirectory) are run, and whether it is watched.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolDirectoryOptions {
    /// How long a program may take to print its spec: 10 seconds unless set.
    pub spec_timeout: Duration,
    /// How long a call may take: 120 seconds unless set.
    pub call_timeout: Duration,
    /// The folder that programs start in: the process's current one unless set.
    pub working_folder: Option<PathBuf>,
    /// Whether changes are noticed: they are unless this is unset.
    pub watch: bool,
}

impl Default for ToolDirectoryOptions {
    fn default() -> Self {
        Self {
            spec_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(120),
            working_folder: None,
            watch: true,
        }
    }
}

impl ToolDirectoryOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long a program may take to print its spec.
    #[must_use]
    pub fn with_spec_timeout(mut self, timeout: Duration) -> Self {
        self.spec_timeout = timeout;
        self
    }

    /// Sets how long a call may take.
    #[must_use]
    pub fn with_call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self
    }

    /// Sets the folder that programs start in.
    #[must_use]
    pub fn with_working_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.working_folder = Some(folder.into());
        self
    }

    /// Sets whether changes are noticed. If not, call [`reload`](super::ToolDirectory::reload).
    #[must_use]
    pub fn with_watch(mut self, watch: bool) -> Self {
        self.watch = watch;
        self
    }
}
