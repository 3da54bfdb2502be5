//! Noticing that a folder has changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use ropewalk_core::{Error, ErrorKind};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::Inner;

/// A folder is looked at when nothing has changed for so long: a file is written in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// But something that never stops changing does not put it off for longer than this.
const LONGEST: Duration = Duration::from_secs(2);

/// How often it is tried whether a folder is back that went away.
const AWAY: Duration = Duration::from_secs(2);

/// Watches a folder until it is dropped.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
}

/// What the system says has changed.
type Changes = Result<Event, notify::Error>;

impl Watch {
    /// Watches a directory's folder and lets it look whenever something has changed.
    pub(super) fn start(directory: &Arc<Inner>) -> Result<Self, Error> {
        let (send, changes) = unbounded_channel();
        let path = &directory.path;
        let refuse = |error: notify::Error| {
            let text = format!(
                "the folder of tools `{}` can't be watched: {error} (`with_watch(false)` opens it without)",
                path.display()
            );
            Error::new(ErrorKind::Other, text).with_source(error)
        };
        let tell = move |changes| {
            // Who listened may have gone a moment ago.
            let _ = send.send(changes);
        };
        let mut watcher = notify::recommended_watcher(tell).map_err(refuse)?;
        watcher.watch(path, RecursiveMode::NonRecursive).map_err(refuse)?;
        tokio::spawn(follow(Arc::downgrade(directory), changes));
        Ok(Self { watcher })
    }

    /// Watches the folder anew; false if it is not there.
    fn again(&mut self, directory: &Inner) -> bool {
        // It fails if the system has forgotten the folder by itself.
        let _ = self.watcher.unwatch(&directory.path);
        self.watcher.watch(&directory.path, RecursiveMode::NonRecursive).is_ok()
    }
}

/// Looks at the folder after each burst of changes, for as long as somebody has the directory.
async fn follow(directory: Weak<Inner>, mut changes: UnboundedReceiver<Changes>) {
    let mut is_there = true;
    loop {
        let first = if is_there {
            changes.recv().await.map(Some)
        } else {
            tokio::time::timeout(AWAY, changes.recv()).await.map_or(Some(None), |it| it.map(Some))
        };
        let Some(first) = first else { return };
        let mut touched = Touched::default();
        if let Some(first) = first {
            touched.add(first);
            touched.gather(&mut changes).await;
        }
        let Some(directory) = directory.upgrade() else { return };
        let was_there = is_there;
        // The system watches a folder, not its name: another one may stand there by now.
        if !is_there || touched.files.contains(&directory.path) {
            is_there = directory.watch_again();
            touched.all = true;
        }
        if touched.is_something() && (is_there || was_there) {
            is_there &= directory.look(|path| touched.holds(path)).await.is_ok();
        }
    }
}

impl Inner {
    fn watch_again(&self) -> bool {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch.as_mut().is_some_and(|watch| watch.again(self))
    }
}

/// The files that have changed.
#[derive(Default)]
struct Touched {
    files: BTreeSet<PathBuf>,
    /// Nobody knows which: all may have.
    all: bool,
}

impl Touched {
    fn add(&mut self, changes: Changes) {
        match changes {
            Ok(event) if is_change(&event) => {
                self.all |= event.need_rescan();
                self.files.extend(event.paths);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!("watching a folder of tools: {error}");
                self.all = true;
            }
        }
    }

    /// Takes what comes until it is quiet.
    async fn gather(&mut self, changes: &mut UnboundedReceiver<Changes>) {
        let latest = Instant::now() + LONGEST;
        loop {
            let until = latest.min(Instant::now() + QUIET);
            match tokio::time::timeout_at(until, changes.recv()).await {
                Ok(Some(more)) => self.add(more),
                Ok(None) | Err(_) => return,
            }
            if Instant::now() >= latest {
                return;
            }
        }
    }

    fn is_something(&self) -> bool {
        self.all || !self.files.is_empty()
    }

    fn holds(&self, path: &Path) -> bool {
        self.all || self.files.contains(path)
    }
}

/// Whether something is different now: that a file was read, or run, is no change.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}
