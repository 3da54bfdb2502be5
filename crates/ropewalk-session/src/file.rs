//! Sessions on file: one file each, one line a record.

mod format;
mod log;
mod name;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ropewalk_core::{BoxFuture, Error, ErrorKind, Journal, Record};
use tokio::sync::Mutex;

use log::Log;

/// A folder of sessions, one file each. The folder is made when the first session is.
#[derive(Clone, Debug)]
pub struct FileSessions {
    folder: PathBuf,
}

impl FileSessions {
    /// The sessions in a folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens a session, or begins one. As long as it is open, nobody else can open it.
    ///
    /// `name` is 1 to 128 letters, digits, `_`, `-` and `.`, not beginning with a dot.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that is none. [`ErrorKind::Journal`] if the file
    /// can't be read or written, is damaged, or another process has it open;
    /// [`ErrorKind::Unsupported`] if a newer version wrote it.
    pub fn session(&self, name: &str) -> Result<FileSession, Error> {
        let path = self.path(name)?;
        self.make_folder()?;
        let log = Log::open(&path)?;
        Ok(FileSession {
            run_id: log.run_id().into(),
            repaired: log.repaired().map(Into::into),
            path,
            log: Arc::new(Mutex::new(log)),
        })
    }

    /// True if there is a session of this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a name that is none.
    pub fn exists(&self, name: &str) -> Result<bool, Error> {
        Ok(self.path(name)?.is_file())
    }

    /// The names of all sessions, sorted.
    ///
    /// # Errors
    /// [`ErrorKind::Journal`] if the folder can't be read. That there is none is no error.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("can't read the folder", &self.folder, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry =
                entry.map_err(|error| io_error("can't read the folder", &self.folder, error))?;
            let file = entry.file_name();
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(".jsonl")) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes the folder, for its owner only: what is said in a session is nobody else's.
    fn make_folder(&self) -> Result<(), Error> {
        if self.folder.as_os_str().is_empty() {
            return Ok(());
        }
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.folder)
            .map_err(|error| io_error("can't make the folder", &self.folder, error))
    }

    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        name::check(name)?;
        Ok(self.folder.join(format!("{name}.jsonl")))
    }
}

/// One session on file, open in this process. Clones share it.
#[derive(Clone, Debug)]
pub struct FileSession {
    run_id: Arc<str>,
    repaired: Option<Arc<str>>,
    path: PathBuf,
    log: Arc<Mutex<Log>>,
}

impl FileSession {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found damaged and mended when the session was opened: a record that was cut off
    /// while it was written, and so never counted.
    pub fn repaired(&self) -> Option<&str> {
        self.repaired.as_deref()
    }

    /// Runs file work where it may block. It is seen to its end even if nobody waits any more; its
    /// turn is taken before that, so that what is asked later happens later.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let mut log = Arc::clone(&self.log).lock_owned().await;
        let work = move || work(&mut log);
        if tokio::runtime::Handle::try_current().is_err() {
            return work();
        }
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            let text = format!("the session's file work broke off: {error}");
            Err(Error::new(ErrorKind::Journal, text).with_source(error))
        })
    }
}

impl Journal for FileSession {
    fn run_id(&self) -> &str {
        &self.run_id
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Record>, Error>> {
        Box::pin(self.blocking(|log| log.read()))
    }

    fn append<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Result<(), Error>> {
        let records = records.to_vec();
        Box::pin(self.blocking(move |log| log.append(&records)))
    }
}

fn io_error(what: &str, path: &Path, error: io::Error) -> Error {
    let text = format!("{what} `{}`: {error}", path.display());
    Error::new(ErrorKind::Journal, text).with_source(error)
}
