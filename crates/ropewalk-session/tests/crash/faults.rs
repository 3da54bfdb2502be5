//! A disk that fails at every write in turn, and a clock that jumps back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use ropewalk_session::{FileStore, Opened, SessionLog, SessionStore, Stored};

use super::kill::Switch;
use super::{check, scenario};

/// A store of which the `at`th write fails, from 1: before anything is written, or behind it, as when
/// nobody knows whether it is on the disk.
#[derive(Clone, Debug)]
struct Failing {
    inner: FileStore,
    writes: Arc<AtomicU64>,
    at: u64,
    behind: bool,
}

impl SessionStore for Failing {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            let opened = self.inner.open(name, header).await?;
            Ok(Opened {
                log: Box::new(FailingLog { inner: opened.log, store: self.clone() }),
                ..opened
            })
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
struct FailingLog {
    inner: Box<dyn SessionLog>,
    store: Failing,
}

impl SessionLog for FailingLog {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.inner.read(from)
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let fails = self.store.writes.fetch_add(1, Ordering::SeqCst) + 1 == self.store.at;
            let full = || Error::new(ErrorKind::Journal, "no space left on the device");
            if fails && !self.store.behind {
                return Err(full());
            }
            self.inner.append(first, lines).await?;
            if fails { Err(full()) } else { Ok(()) }
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.inner.snapshot()
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.put_snapshot(snapshot)
    }
}

/// The clock of the second start: it was put back.
fn an_hour_ago() -> SystemTime {
    SystemTime::now() - Duration::from_secs(3600)
}

#[tokio::test]
async fn a_write_that_fails_anywhere_is_an_error_and_the_next_start_goes_on() {
    for behind in [false, true] {
        let mut failed = 0;
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let inner = FileStore::new(folder.path().join("sessions"));
            let store = Failing { inner: inner.clone(), writes: Arc::default(), at, behind };
            let never = Switch::at(u64::MAX);
            let ended =
                scenario::run_on(folder.path(), never.clone(), store.clone(), SystemTime::now)
                    .await;
            if store.writes.load(Ordering::SeqCst) < at {
                break;
            }
            let error = ended.expect_err("a failed write is not swallowed");
            assert!(error.report().contains("no space left"), "{error}");
            failed += 1;
            scenario::run_on(folder.path(), never, inner, an_hour_ago).await.unwrap();
            check::all(folder.path(), "sessions", &format!("write {at} failed, behind: {behind}"));
        }
        assert!(failed > 15, "only {failed} writes");
    }
}
