//! Counts the points at which a process may die, and lets it die at one of them: by a real SIGKILL.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ropewalk_core::{BoxFuture, Error};
use ropewalk_session::{Opened, SessionLog, SessionStore, Stored};

#[derive(Clone, Debug)]
pub(crate) struct Switch {
    at: u64,
    passed: Arc<AtomicU64>,
}

impl Switch {
    /// Kills the process when it passes its `at`th point, from 1.
    pub(crate) fn at(at: u64) -> Self {
        Self { at, passed: Arc::default() }
    }

    /// A point at which the process may die.
    pub(crate) fn point(&self) {
        if self.passed.fetch_add(1, Ordering::SeqCst) + 1 != self.at {
            return;
        }
        let id = std::process::id().to_string();
        Command::new("kill").args(["-9", &id]).status().unwrap();
        loop {
            std::thread::park();
        }
    }
}

/// A store with a point before and behind each of its writes.
#[derive(Clone, Debug)]
pub(crate) struct Killing<S> {
    pub(crate) inner: S,
    pub(crate) switch: Switch,
}

impl<S: SessionStore> SessionStore for Killing<S> {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            self.switch.point();
            let opened = self.inner.open(name, header).await?;
            self.switch.point();
            let log = Box::new(KillingLog { inner: opened.log, switch: self.switch.clone() });
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
struct KillingLog {
    inner: Box<dyn SessionLog>,
    switch: Switch,
}

impl SessionLog for KillingLog {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.inner.read(from)
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.switch.point();
            self.inner.append(first, lines).await?;
            self.switch.point();
            Ok(())
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.inner.snapshot()
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.switch.point();
            self.inner.put_snapshot(snapshot).await?;
            self.switch.point();
            Ok(())
        })
    }
}
