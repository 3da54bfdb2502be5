//! A store that counts what another one is asked to write, and fails when it is told to.
#![allow(dead_code, reason = "each of the tests that share it uses a part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use ropewalk_session::SessionLog;

use crate::watched::{Watch, Watched};

pub(crate) type Counting<S> = Watched<S, Arc<Seen>>;

#[derive(Debug, Default)]
pub(crate) struct Seen {
    appends: AtomicUsize,
    lines: AtomicUsize,
    snapshots: AtomicUsize,
    /// How many writes still go well, and what the one after them fails with.
    fail: Mutex<Option<(usize, String)>>,
}

impl Seen {
    /// Why the write that comes now fails, if it does.
    fn fails(&self) -> Option<String> {
        let mut fail = self.fail.lock().unwrap();
        match fail.take() {
            Some((0, why)) => Some(why),
            Some((writes, why)) => {
                *fail = Some((writes - 1, why));
                None
            }
            None => None,
        }
    }
}

impl<S> Counting<S> {
    pub(crate) fn new(store: S) -> Self {
        Self { store, watch: Arc::default() }
    }

    pub(crate) fn appends(&self) -> usize {
        self.watch.appends.load(Ordering::Relaxed)
    }

    /// The bytes of all lines, with their line ends.
    pub(crate) fn line_bytes(&self) -> usize {
        self.watch.lines.load(Ordering::Relaxed)
    }

    /// The bytes of all snapshots.
    pub(crate) fn snapshot_bytes(&self) -> usize {
        self.watch.snapshots.load(Ordering::Relaxed)
    }

    pub(crate) fn fail_next(&self, why: &str) {
        self.fail_after(0, why);
    }

    /// Lets a write fail, after so many that go well.
    pub(crate) fn fail_after(&self, writes: usize, why: &str) {
        *self.watch.fail.lock().unwrap() = Some((writes, why.to_owned()));
    }
}

impl Watch for Arc<Seen> {
    fn append<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        first: u64,
        lines: Vec<String>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.appends.fetch_add(1, Ordering::Relaxed);
        if let Some(why) = self.fails() {
            return Box::pin(std::future::ready(Err(Error::new(ErrorKind::Journal, why))));
        }
        let bytes = lines.iter().map(|line| line.len() + 1).sum();
        self.lines.fetch_add(bytes, Ordering::Relaxed);
        log.append(first, lines)
    }

    fn put_snapshot<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        snapshot: String,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.snapshots.fetch_add(snapshot.len(), Ordering::Relaxed);
        log.put_snapshot(snapshot)
    }
}
