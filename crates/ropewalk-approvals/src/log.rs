//! The log of decisions: append-only, each line chained to the one before it.

mod entry;
mod file;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{
    DecisionEvent, Error, ErrorKind, HookProvider, HookRegistry, HookResult, bind, callback,
};
use serde_json::Value;

use crate::blocking::blocking;
use entry::Body;
use file::LogFile;

pub use entry::{LogEntry, LogKind};
pub use verify::{Tampered, Verified, VerifyError};

/// A file to which every decision is added, in such a way that a later change shows.
///
/// Each line holds the SHA-256 of the line before it, and its own. Who changes, removes, inserts or
/// reorders lines breaks the chain, and [`verify`](Self::verify) says in which line. Who cuts lines
/// off its end, or rewrites the file whole, is found out with a [`head`](Self::head) that was kept
/// somewhere else ([`verify_up_to`](Self::verify_up_to)): nothing in a file can show that.
///
/// Registered with an agent ([`HookProvider`]), it adds every decision that the agent's hooks record;
/// a decision that can't be written stops its step. After a crash a decision may stand there twice.
///
/// Clones share the file. Several processes may add to one file: it is locked for each addition, and
/// only its end is read. A line counts once it is on the disk.
///
/// ```
/// use ropewalk_approvals::DecisionLog;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("decisions.jsonl");
/// let log = DecisionLog::open(&path)?;
/// log.append("run-1", "clerk", serde_json::json!({"verdict": "deny", "tool": "shell"}))?;
///
/// let verified = DecisionLog::verify(&path)?;
/// assert_eq!((verified.entries, &verified.head), (1, &log.head().hash));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DecisionLog {
    file: Arc<Mutex<LogFile>>,
    path: Arc<Path>,
    repaired: bool,
}

/// Where a log ends: keep it elsewhere, and a shortened log is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries there are, the opening line not counted.
    pub entries: u64,
    /// The hash of the last line: 64 hexadecimal digits.
    pub hash: String,
}

impl DecisionLog {
    /// Opens a log, or begins one; its folder must be there. The whole log is verified once; what is
    /// added later never reads it again.
    ///
    /// A last line that was cut off while it was written is taken out of the chain, and an entry that
    /// says so, with what was there, takes its place ([`LogKind::Repaired`]).
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if the file can't be read or written, is no log of decisions, or was
    /// tampered with: such a log is not added to.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let (file, repaired) = LogFile::open(&path)?;
        Ok(Self { file: Arc::new(Mutex::new(file)), path: path.into(), repaired })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True if a torn last line was found and sealed when the log was opened.
    pub fn was_repaired(&self) -> bool {
        self.repaired
    }

    /// Where the log ended after this process opened it or last added to it.
    pub fn head(&self) -> Head {
        self.file.lock().unwrap_or_else(PoisonError::into_inner).head()
    }

    /// Adds a decision of an agent in a run and waits until it is on the disk; gives the new end.
    /// `decision` is any JSON object. It blocks: from async code, call it where that is fine.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if it can't be written, or if the file is not what it was: shorter,
    /// gone, or with another last line. Nothing was added then.
    pub fn append(&self, run_id: &str, agent: &str, decision: Value) -> Result<Head, Error> {
        if !decision.is_object() {
            let text = format!("a decision must be a JSON object, not {decision}");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let body = Body::Decision { run_id: run_id.to_owned(), agent: agent.to_owned(), decision };
        self.file.lock().unwrap_or_else(PoisonError::into_inner).append(body)
    }

    /// Reads a log from its beginning, checking each line against the one before it.
    ///
    /// # Errors
    /// [`VerifyError::Unreadable`] if it can't be read, [`VerifyError::Tampered`] with the first line
    /// that is not as it was written.
    pub fn verify(path: impl AsRef<Path>) -> Result<Verified, VerifyError> {
        verify::verify(path.as_ref(), None)
    }

    /// The same, and the line with this hash (a [`Head`]'s, kept somewhere else) must be among them:
    /// a log that was shortened since, or written anew, is found out. It may have grown.
    ///
    /// # Errors
    /// As for [`verify`](Self::verify).
    pub fn verify_up_to(path: impl AsRef<Path>, head: &str) -> Result<Verified, VerifyError> {
        verify::verify(path.as_ref(), Some(head))
    }

    /// The entries of a log from its beginning, each checked before it is given. After an error
    /// there are no more.
    ///
    /// # Errors
    /// [`VerifyError::Unreadable`] if the file can't be opened.
    pub fn entries(
        path: impl AsRef<Path>,
    ) -> Result<impl Iterator<Item = Result<LogEntry, VerifyError>>, VerifyError> {
        verify::Entries::open(path.as_ref())
    }
}

/// Adds every decision of the agent. Where that fails, the step that was decided about stops.
impl HookProvider for DecisionLog {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        registry.add_callback(callback(bind(self.clone(), Self::note)).named("decision log"));
    }
}

impl DecisionLog {
    async fn note(&self, event: &mut DecisionEvent) -> HookResult {
        let decision = serde_json::to_value(event.decision())?;
        let (run_id, agent) = (event.run_id().to_owned(), event.agent().name().to_owned());
        let log = self.clone();
        blocking(move || log.append(&run_id, &agent, decision)).await?;
        Ok(())
    }
}
