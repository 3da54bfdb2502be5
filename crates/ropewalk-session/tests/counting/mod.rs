//! A store that counts what another one is asked to write, and fails when it is told to.
#![allow(dead_code, reason = "each of the tests that share it uses a part")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use ropewalk_session::{Opened, SessionLog, SessionStore, Stored};

#[derive(Clone, Debug)]
pub(crate) struct Counting<S> {
    inner: S,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
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

impl<S: SessionStore> Counting<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, seen: Arc::default() }
    }

    pub(crate) fn appends(&self) -> usize {
        self.seen.appends.load(Ordering::Relaxed)
    }

    /// The bytes of all lines, with their line ends.
    pub(crate) fn line_bytes(&self) -> usize {
        self.seen.lines.load(Ordering::Relaxed)
    }

    /// The bytes of all snapshots.
    pub(crate) fn snapshot_bytes(&self) -> usize {
        self.seen.snapshots.load(Ordering::Relaxed)
    }

    pub(crate) fn fail_next(&self, why: &str) {
        self.fail_after(0, why);
    }

    /// Lets a write fail, after so many that go well.
    pub(crate) fn fail_after(&self, writes: usize, why: &str) {
        *self.seen.fail.lock().unwrap() = Some((writes, why.to_owned()));
    }
}

impl<S: SessionStore> SessionStore for Counting<S> {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            let opened = self.inner.open(name, header).await?;
            let log = Box::new(CountingLog { inner: opened.log, seen: Arc::clone(&self.seen) });
            Ok(Opened { log, ..opened })
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        self.inner.read(name)
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.inner.names()
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        self.inner.remove(name)
    }
}

#[derive(Debug)]
struct CountingLog {
    inner: Box<dyn SessionLog>,
    seen: Arc<Seen>,
}

impl SessionLog for CountingLog {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.inner.read(from)
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        self.seen.appends.fetch_add(1, Ordering::Relaxed);
        if let Some(why) = self.seen.fails() {
            return Box::pin(std::future::ready(Err(Error::new(ErrorKind::Journal, why))));
        }
        let bytes = lines.iter().map(|line| line.len() + 1).sum();
        self.seen.lines.fetch_add(bytes, Ordering::Relaxed);
        self.inner.append(first, lines)
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.inner.snapshot()
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        self.seen.snapshots.fetch_add(snapshot.len(), Ordering::Relaxed);
        self.inner.put_snapshot(snapshot)
    }
}
