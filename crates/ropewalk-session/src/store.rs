//! What a place must do to keep sessions: take numbered lines, and give them back.

#[cfg(feature = "object-store")]
mod bucket;
mod file;
#[cfg(any(feature = "postgres", feature = "object-store"))]
mod lease;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "postgres-tls", feature = "cloud"))]
mod tls;

use std::fmt;

use ropewalk_core::{BoxFuture, Error};

#[cfg(feature = "object-store")]
pub use bucket::BucketStore;
pub use file::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;

/// A place where sessions lie, each under its name: a header, and numbered lines that are only ever
/// added. What stands in them is not for the store to know: whatever it is given comes back as it was.
///
/// Names were checked before a store sees them: 1 to 128 letters, digits, `_`, `-` and `.`, not beginning
/// with a dot.
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Where it is, for people: a path, an address without secrets.
    fn place(&self) -> String;

    /// Takes a session for this process alone, and begins it with the header if there is none of the
    /// name. Nobody else can add to it until the log is dropped; or, where that can't be seen, until its
    /// lease has ended.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if somebody else has it, naming who and for
    /// how long where that is known; or if it can't be read or written.
    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>>;

    /// Reads a session without taking it, as it is at this moment. None if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if it can't be read.
    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>>;

    /// The names of all sessions, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if they can't be read.
    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Removes a session for good. False if there is none of the name.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if somebody has it, or it can't be removed.
    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>>;

    /// Waits until the sessions whose logs were dropped are given back, where dropping can't do all of
    /// that. Without a method of its own, there is nothing to wait for.
    fn released(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A session that this process has, and nobody else.
#[derive(Debug)]
pub struct Opened {
    /// What its header says: that of the one who began it.
    pub header: String,
    /// How many lines it has: the number of the next one.
    pub next: u64,
    /// Its lines.
    pub log: Box<dyn SessionLog>,
    /// What was found cut off and was taken away; it never counted.
    pub repaired: Option<String>,
}

/// The lines of one session. They are added by one task at a time.
pub trait SessionLog: fmt::Debug + Send + Sync + 'static {
    /// Where it lies, for people: a path, an address.
    fn place(&self) -> String;

    /// The lines from a number on, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if they can't be read.
    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Adds lines, the first of which gets this number; they last when the future is done. All of them are
    /// added or none.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if that can't be, and above all if somebody
    /// else took the session: then nothing of this process is added any more.
    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>>;

    /// Whether lines are added by whoever polls, in microseconds, as a rule. Then nobody else needs to see to it that it
    /// comes to an end; but what is added at the same time is not gathered. Without a method of its own: no.
    fn adds_at_once(&self) -> bool {
        false
    }

    /// The last snapshot; none if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if it can't be read.
    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>>;

    /// Puts a snapshot in place of the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if it can't be written.
    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>>;
}

/// A session as it was read, without being taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The header.
    pub header: String,
    /// The lines from the first one on.
    pub lines: Vec<String>,
}
