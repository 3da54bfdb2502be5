//! Sessions in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ropewalk_core::{BoxFuture, Error, ErrorKind};

use super::{Opened, SessionLog, SessionStore, Stored};

/// Keeps sessions for as long as the process lives, under all the rules of the others: for tests, and for
/// servers that may forget. Clones share the sessions.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    sessions: Arc<Mutex<BTreeMap<String, Kept>>>,
}

#[derive(Debug)]
struct Kept {
    header: String,
    lines: Vec<String>,
    snapshot: Option<String>,
    taken: bool,
}

impl MemoryStore {
    /// No sessions.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Kept>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_use(name: &str) -> Error {
    let text =
        format!("the session `{name}` is in use: wait until that has ended, or use another name");
    Error::new(ErrorKind::Journal, text)
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

impl SessionStore for MemoryStore {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        let mut sessions = self.lock();
        let kept = sessions.entry(name.to_owned()).or_insert_with(|| Kept {
            header: header.to_owned(),
            lines: Vec::new(),
            snapshot: None,
            taken: false,
        });
        if kept.taken {
            return ready(Err(in_use(name)));
        }
        kept.taken = true;
        ready(Ok(Opened {
            header: kept.header.clone(),
            next: kept.lines.len() as u64,
            log: Box::new(MemoryLog { store: self.clone(), name: name.to_owned() }),
            repaired: None,
        }))
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        let sessions = self.lock();
        let stored = sessions
            .get(name)
            .map(|kept| Stored { header: kept.header.clone(), lines: kept.lines.clone() });
        ready(Ok(stored))
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        ready(Ok(self.lock().keys().cloned().collect()))
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        let mut sessions = self.lock();
        if sessions.get(name).is_some_and(|kept| kept.taken) {
            return ready(Err(in_use(name)));
        }
        ready(Ok(sessions.remove(name).is_some()))
    }
}

#[derive(Debug)]
struct MemoryLog {
    store: MemoryStore,
    name: String,
}

impl MemoryLog {
    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> Result<T, Error> {
        self.store.lock().get_mut(&self.name).map(work).ok_or_else(|| {
            Error::new(ErrorKind::Journal, format!("the session `{}` is gone", self.name))
        })
    }
}

impl SessionLog for MemoryLog {
    fn place(&self) -> String {
        format!("{} (in memory)", self.name)
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        ready(self.with(|kept| kept.lines.iter().skip(from).cloned().collect()))
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        let added = self.with(|kept| {
            if kept.lines.len() as u64 != first {
                let text = format!("the session `{}` has another length than expected", self.name);
                return Err(Error::new(ErrorKind::Journal, text));
            }
            kept.lines.extend(lines);
            Ok(())
        });
        ready(added.and_then(|added| added))
    }

    fn adds_at_once(&self) -> bool {
        true
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        ready(self.with(|kept| kept.snapshot.clone()))
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.with(|kept| kept.snapshot = Some(snapshot)))
    }
}

impl Drop for MemoryLog {
    fn drop(&mut self) {
        // One that is gone needs no giving back.
        let _ = self.with(|kept| kept.taken = false);
    }
}
