//! Sessions on file: one file each, one line a record.

mod log;
mod scan;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{BoxFuture, Error};

use super::{Opened, SessionLog, SessionStore, Stored};
use crate::disk::{Durability, at_once, blocking, io_error, make_folder};
use log::Log;

/// A folder of sessions, one file each: `NAME.jsonl`, a header and then one line a record, and
/// `NAME.snapshot`, which may be missing. The folder is made when the first session is, for its owner only.
///
/// A file is locked while its session is open. What was cut off while it was written, by a crash or a full
/// disk, is found and taken away.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
    durability: Durability,
}

impl FileStore {
    /// The sessions in a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), durability: Durability::default() }
    }

    /// Says when what was written is on the disk; without it: [`Durability::Synced`]. With
    /// [`Durability::Buffered`] records are written where they are made, in the task of the agent: that takes some
    /// microseconds, and to have another thread do it several times as long.
    #[must_use]
    pub fn durability(self, durability: Durability) -> Self {
        Self { durability, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.jsonl"))
    }

    fn names_now(&self) -> Result<Vec<String>, Error> {
        let failed = |error| io_error("can't read the folder", &self.folder, error);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(failed)?.file_name();
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".jsonl")) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

impl SessionStore for FileStore {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        let (store, path, header) = (self.clone(), self.path(name), header.to_owned());
        blocking(move || {
            make_folder(&store.folder)?;
            let log = Log::open(&path, &header, store.durability)?;
            Ok(Opened {
                header: log.header().to_owned(),
                next: log.lines(),
                repaired: log.repaired().map(str::to_owned),
                log: Box::new(FileLog {
                    path,
                    durability: store.durability,
                    log: Arc::new(Mutex::new(log)),
                }),
            })
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        let path = self.path(name);
        blocking(move || log::read(&path))
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let store = self.clone();
        blocking(move || store.names_now())
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        let path = self.path(name);
        blocking(move || log::remove(&path))
    }
}

/// The file of one session.
#[derive(Debug)]
struct FileLog {
    path: PathBuf,
    durability: Durability,
    log: Arc<Mutex<Log>>,
}

impl FileLog {
    fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T, Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let log = Arc::clone(&self.log);
        blocking(move || work(&mut log.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl SessionLog for FileLog {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.with(move |log| log.read(from))
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            // To take it to another thread would cost several times as much.
            if self.adds_at_once()
                && let Some(mut log) = at_once(&self.log)
            {
                return log.append(first, &lines);
            }
            self.with(move |log| log.append(first, &lines)).await
        })
    }

    fn adds_at_once(&self) -> bool {
        // It goes into the system's memory, and stays there for now.
        self.durability == Durability::Buffered
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        self.with(|log| log.snapshot())
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        self.with(move |log| log.put_snapshot(&snapshot))
    }
}
