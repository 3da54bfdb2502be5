//! Stores under test, each opened from two places.

use ropewalk_core::{BoxFuture, Error};
use ropewalk_session::{MemoryStore, Opened, Session, SessionLog, SessionStore, Sessions, Stored};
use ropewalk_testkit::conformance::Journals;

/// The same sessions, as two processes see them.
pub(crate) struct Place<L> {
    here: Sessions,
    elsewhere: Sessions,
    lose: Option<L>,
}

type Never = fn(&str) -> std::future::Ready<()>;

impl Place<Never> {
    pub(crate) fn new(here: impl SessionStore, elsewhere: impl SessionStore) -> Self {
        Self { here: Sessions::new(here), elsewhere: Sessions::new(elsewhere), lose: None }
    }

    /// What makes a session free while somebody still has it.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres", feature = "object-store")),
        expect(dead_code)
    )]
    pub(crate) fn losing<L: AsyncFn(&str)>(self, lose: L) -> Place<L> {
        Place { here: self.here, elsewhere: self.elsewhere, lose: Some(lose) }
    }
}

impl<L> Place<L> {
    pub(crate) async fn released(&self) {
        self.here.released().await;
        self.elsewhere.released().await;
    }
}

impl<L: AsyncFn(&str)> Journals for Place<L> {
    type Journal = Session;

    async fn open(&self, name: &str) -> Result<Session, Error> {
        self.here.session(name).await
    }

    async fn open_elsewhere(&self, name: &str) -> Result<Session, Error> {
        self.elsewhere.session(name).await
    }

    async fn close(&self, journal: Session) {
        drop(journal);
        self.released().await;
    }

    async fn take_over(&self, name: &str) -> Option<Result<Session, Error>> {
        self.lose.as_ref()?(name).await;
        Some(self.elsewhere.session(name).await)
    }
}

/// One thing that a store in memory does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    LetsAnybodyIn,
    LosesTheLastLine,
    MixesSessions,
}

impl Fault {
    pub(crate) fn place(self) -> Place<Never> {
        let store = Faulty { fault: self, inner: MemoryStore::new() };
        Place::new(store.clone(), store)
    }
}

#[derive(Clone, Debug)]
struct Faulty {
    fault: Fault,
    inner: MemoryStore,
}

impl Faulty {
    fn name<'a>(&self, name: &'a str) -> &'a str {
        if self.fault == Fault::MixesSessions {
            name.trim_end_matches(char::is_numeric)
        } else {
            name
        }
    }
}

impl SessionStore for Faulty {
    fn place(&self) -> String {
        "faulty".to_owned()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            let inner = if self.fault == Fault::LetsAnybodyIn {
                MemoryStore::new()
            } else {
                self.inner.clone()
            };
            let opened = inner.open(self.name(name), header).await?;
            let log = Box::new(FaultyLog { fault: self.fault, inner: opened.log });
            Ok(Opened { log, ..opened })
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        self.inner.read(self.name(name))
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.inner.names()
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        self.inner.remove(self.name(name))
    }
}

#[derive(Debug)]
struct FaultyLog {
    fault: Fault,
    inner: Box<dyn SessionLog>,
}

impl SessionLog for FaultyLog {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move {
            let mut lines = self.inner.read(from).await?;
            if self.fault == Fault::LosesTheLastLine {
                lines.pop();
            }
            Ok(lines)
        })
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.append(first, lines)
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.inner.snapshot()
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.put_snapshot(snapshot)
    }
}
