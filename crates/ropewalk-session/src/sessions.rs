//! All sessions of one place.

mod branch;
mod export;
mod manager;
mod markdown;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use ropewalk_core::{Error, ErrorKind, Journal as _, Record, Run};
use uuid::Uuid;

use crate::line::Header;
use crate::name;
use crate::session::{Session, decoded};
use crate::store::{FileStore, MemoryStore, SessionStore};

pub use export::Export;
pub use manager::RepositorySessionManager;
pub use markdown::markdown;
pub use verify::Verified;

/// The sessions that lie in one place, by name. Clones are the same place.
#[derive(Clone, Debug)]
pub struct Sessions {
    store: Arc<dyn SessionStore>,
}

impl Sessions {
    /// The sessions of a store.
    pub fn new(store: impl SessionStore) -> Self {
        Self { store: Arc::new(store) }
    }

    /// Sessions on file, one each, in a folder that need not exist yet; see [`FileStore`].
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self::new(FileStore::new(folder))
    }

    /// Sessions at a path, as people name it in a setting: in a database if it ends with `.db`, else in a
    /// folder of files.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported) for a database in a build without the
    /// feature `sqlite`; the database can't be opened.
    pub async fn at(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        if path.extension().is_none_or(|extension| extension != "db") {
            return Ok(Self::in_folder(path));
        }
        #[cfg(feature = "sqlite")]
        let sessions = Self::in_sqlite(path).await;
        #[cfg(not(feature = "sqlite"))]
        let sessions = {
            let text = format!(
                "`{}` is a database, and this build keeps sessions in folders only: build with the feature `sqlite`",
                path.display()
            );
            Err(Error::new(ErrorKind::Unsupported, text))
        };
        sessions
    }

    /// Sessions that last as long as the process; see [`MemoryStore`].
    pub fn in_memory() -> Self {
        Self::new(MemoryStore::new())
    }

    /// Where they are, for people.
    pub fn place(&self) -> String {
        self.store.place()
    }

    /// Sessions in one SQLite database, which need not exist yet; see [`SqliteStore`](crate::SqliteStore).
    ///
    /// # Errors
    /// As for [`SqliteStore::open`](crate::SqliteStore::open).
    #[cfg(feature = "sqlite")]
    pub async fn in_sqlite(path: impl Into<PathBuf>) -> Result<Self, Error> {
        crate::store::SqliteStore::open(path).await.map(Self::new)
    }

    /// Opens a session, or begins one. As long as it is open, nobody else can open it.
    ///
    /// `name` is 1 to 128 letters, digits, `_`, `-` and `.`, not beginning with a dot.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) for a name that is none.
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if it can't be read or written, is damaged, or
    /// is open elsewhere; [`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported) if a newer version
    /// wrote it.
    pub async fn session(&self, name: &str) -> Result<Session, Error> {
        self.open(name, &Header::new(Uuid::new_v4().to_string())).await
    }

    /// Who keeps several agents under one id of a session, each under its agent id: for
    /// [`AgentBuilder::session_manager`](ropewalk_core::AgentBuilder::session_manager).
    pub fn manager(&self, session_id: impl Into<String>) -> RepositorySessionManager {
        RepositorySessionManager::new(self.clone(), session_id.into())
    }

    async fn open(&self, name: &str, header: &Header) -> Result<Session, Error> {
        name::check(name)?;
        Session::open(&*self.store, name, header).await
    }

    /// Begins a session with records. It must not be there yet.
    async fn begin(&self, name: &str, header: &Header, records: &[Record]) -> Result<(), Error> {
        let session = self.open(name, header).await?;
        // Whoever began it has a run of another id, or had records already.
        if session.run_id() != header.run_id || !session.load().await?.is_empty() {
            let text = format!(
                "there is a session `{name}` already, in `{}`: use another name, or remove it first",
                self.place()
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        session.append(records).await
    }

    fn missing(&self, name: &str) -> Error {
        let text = format!("there is no session `{name}` in `{}`", self.place());
        Error::new(ErrorKind::InvalidInput, text)
    }

    /// True if there is a session of this name.
    ///
    /// # Errors
    /// As for [`session`](Self::session).
    pub async fn exists(&self, name: &str) -> Result<bool, Error> {
        name::check(name)?;
        Ok(self.store.read(name).await?.is_some())
    }

    /// The names of all sessions, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if the place can't be read. That there is none
    /// is no error.
    pub async fn names(&self) -> Result<Vec<String>, Error> {
        self.store.names().await
    }

    /// Removes a session for good. False if there is none of the name.
    ///
    /// # Errors
    /// As for [`session`](Self::session).
    pub async fn remove(&self, name: &str) -> Result<bool, Error> {
        name::check(name)?;
        self.store.remove(name).await
    }

    /// Waits until all sessions that were dropped are given back. A program whose sessions are held by leases,
    /// in a database or an object store, calls it before it ends: else the next one waits for the lease's end.
    pub async fn released(&self) {
        self.store.released().await;
    }

    /// A session's run as it is at this moment, without opening it: somebody else may be at work on it.
    /// None if there is none of the name.
    ///
    /// # Errors
    /// As for [`session`](Self::session); every record is read and checked.
    pub async fn run(&self, name: &str) -> Result<Option<Run>, Error> {
        let Some((header, records)) = self.read(name).await? else { return Ok(None) };
        Run::new(header.run_id).replay(records).map(Some)
    }

    async fn read(&self, name: &str) -> Result<Option<(Header, Vec<Record>)>, Error> {
        name::check(name)?;
        let Some(stored) = self.store.read(name).await? else { return Ok(None) };
        let header = Header::parse(&stored.header, name)?;
        Ok(Some((header, decoded(name, 0, &stored.lines)?)))
    }
}
