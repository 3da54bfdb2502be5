//! A store with somebody who stands between it and those who write to it.

use std::fmt::Debug;

use ropewalk_core::{BoxFuture, Error};
use ropewalk_session::{Opened, SessionLog, SessionStore, Stored};

/// Who stands there. What it does not look at goes through as it is.
pub(crate) trait Watch: Clone + Debug + Send + Sync + 'static {
    /// Before a session is opened, and behind it.
    fn opening(&self) {}

    fn append<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        first: u64,
        lines: Vec<String>,
    ) -> BoxFuture<'a, Result<(), Error>>;

    fn put_snapshot<'a>(
        &'a self,
        log: &'a dyn SessionLog,
        snapshot: String,
    ) -> BoxFuture<'a, Result<(), Error>> {
        log.put_snapshot(snapshot)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Watched<S, W> {
    pub(crate) store: S,
    pub(crate) watch: W,
}

impl<S: SessionStore, W: Watch> SessionStore for Watched<S, W> {
    fn place(&self) -> String {
        self.store.place()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            self.watch.opening();
            let opened = self.store.open(name, header).await?;
            self.watch.opening();
            let log = Box::new(WatchedLog { log: opened.log, watch: self.watch.clone() });
            Ok(Opened { log, ..opened })
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        self.store.read(name)
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.store.names()
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        self.store.remove(name)
    }
}

#[derive(Debug)]
struct WatchedLog<W> {
    log: Box<dyn SessionLog>,
    watch: W,
}

impl<W: Watch> SessionLog for WatchedLog<W> {
    fn place(&self) -> String {
        self.log.place()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.log.read(from)
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        self.watch.append(&*self.log, first, lines)
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.log.snapshot()
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        self.watch.put_snapshot(&*self.log, snapshot)
    }
}
