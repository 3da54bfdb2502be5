//! Sessions in a SQLite database.

mod database;
mod lines;
mod lock;
mod problem;
mod schema;
mod wal;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{BoxFuture, Error};

use super::{Opened, SessionLog, SessionStore, Stored};
use crate::disk::{Durability, at_once, blocking};
use database::{Database, Hold};
use lock::LockFile;

/// All sessions in one file, a SQLite database in WAL mode, with SQLite itself built in. It is made when it
/// is opened first, for its owner only, and so is its folder. Clones share it.
///
/// A session has one writer at a time, in this process or another: it holds a lock on a small file in
/// the folder `PATH-locks`, which the system gives back when a process ends, however it ends. Should two
/// hold it nevertheless, because somebody removed that file, the later one has the session: the other's next
/// write is refused, in the very transaction that would have added it.
///
/// The last that is dropped, of the store and its sessions, closes the database: that copies what stands in its
/// log, and waits for the disk.
///
/// The file must lie on a disk of this machine: over network file systems SQLite's locks can't be relied on.
///
/// ```
/// use ropewalk_session::{Sessions, SqliteStore};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("sessions.db");
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let sessions = Sessions::new(SqliteStore::open(path).await?);
/// let session = sessions.session("ada").await?;
/// assert_eq!(sessions.names().await?, ["ada"]);
/// # drop(session);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SqliteStore {
    path: PathBuf,
    durability: Durability,
    database: Arc<Mutex<Database>>,
}

impl SqliteStore {
    /// Opens the database, or makes one. What was written is on the disk before anything goes on.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if it can't be read or written, is damaged, or
    /// belongs to another program; [`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported) if a newer
    /// version made it.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        Self::open_with(path, Durability::default()).await
    }

    /// The same, and says when what was written is on the disk. With [`Durability::Buffered`] records are written
    /// where they are made, in the task of the agent, unless that means to wait, for another writer or, as a rule,
    /// the disk: to have another thread do it would take about as long again.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub async fn open_with(
        path: impl Into<PathBuf>,
        durability: Durability,
    ) -> Result<Self, Error> {
        let path = path.into();
        blocking(move || {
            let database = Database::open(&path, durability)?;
            Ok(Self { path, durability, database: Arc::new(Mutex::new(database)) })
        })
        .await
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let database = Arc::clone(&self.database);
        blocking(move || work(&mut database.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl SessionStore for SqliteStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        let (store, name, header) = (self.clone(), name.to_owned(), header.to_owned());
        self.with(move |database| {
            let lock = LockFile::take(&store.path, &name, || database.holder(&name))?;
            let taken = database.take(&name, &header)?;
            let held = Held { lock, hold: Mutex::new(taken.hold) };
            let log = SqliteLog { store, name, held: Arc::new(held) };
            Ok(Opened {
                header: taken.header,
                next: taken.next,
                log: Box::new(log),
                repaired: None,
            })
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        let name = name.to_owned();
        self.with(move |database| database.read(&name))
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.with(|database| database.names())
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        let (path, name) = (self.path.clone(), name.to_owned());
        self.with(move |database| {
            if !database.exists(&name)? {
                return Ok(false);
            }
            let lock = LockFile::take(&path, &name, || database.holder(&name))?;
            let removed = database.remove(&name)?;
            lock.remove()?;
            Ok(removed)
        })
    }
}

/// The rows of one session.
#[derive(Debug)]
struct SqliteLog {
    store: SqliteStore,
    name: String,
    held: Arc<Held>,
}

/// What makes this process the writer, for as long as any of its work is under way.
#[derive(Debug)]
struct Held {
    #[expect(dead_code, reason = "held, not used")]
    lock: LockFile,
    hold: Mutex<Hold>,
}

impl SqliteLog {
    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database, &mut Hold) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let held = Arc::clone(&self.held);
        self.store.with(move |database| {
            work(database, &mut held.hold.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Adds lines in this thread, if nothing need be waited for. None if that can't be, and nothing was done.
    fn append_at_once(&self, first: u64, lines: &[String]) -> Option<Result<(), Error>> {
        let mut database = at_once(&self.store.database)?;
        let mut hold = at_once(&self.held.hold)?;
        database.append_at_once(&mut hold, first, lines)
    }
}

impl SessionLog for SqliteLog {
    fn place(&self) -> String {
        format!("{} in {}", self.name, self.store.path.display())
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.with(move |database, hold| database.lines(hold, from))
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if self.adds_at_once()
                && let Some(ended) = self.append_at_once(first, &lines)
            {
                return ended;
            }
            self.with(move |database, hold| database.append(hold, first, &lines)).await
        })
    }

    fn adds_at_once(&self) -> bool {
        // It goes into the system's memory, and stays there for now.
        self.store.durability == Durability::Buffered
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.with(|database, hold| database.snapshot(hold))
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        self.with(move |database, hold| database.put_snapshot(hold, &snapshot))
    }
}
