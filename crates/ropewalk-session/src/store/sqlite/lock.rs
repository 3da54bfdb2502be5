//! Who writes a session: the process that has its lock file locked.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use ropewalk_core::{Error, ErrorKind};

use crate::disk::{io_error, make_folder, private};

/// A locked file. The system gives it back when this value is dropped or the process ends.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// Takes the lock of a session. `holder` says who has it, if that is known.
    pub(super) fn take(
        database: &Path,
        name: &str,
        holder: impl Fn() -> Option<String>,
    ) -> Result<Self, Error> {
        let path = path(database, name);
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(in_use(database, name, holder())),
                Err(TryLockError::Error(error)) => {
                    return Err(io_error("can't lock", &path, error));
                }
            }
            // One that was removed meanwhile locks nobody out.
            if is_at(&file, &path).map_err(|error| io_error("can't read the lock", &path, error))? {
                return Ok(Self { path, file });
            }
        }
    }

    /// Waits for the lock under which a database is made: SQLite's own do not cover all of that.
    pub(super) fn wait_to_make(database: &Path) -> Result<Self, Error> {
        // No session has a name that begins with a dot.
        let path = path(database, ".made");
        let file = open(&path)?;
        file.lock().map_err(|error| io_error("can't lock", &path, error))?;
        Ok(Self { path, file })
    }

    /// Removes the file, and gives the lock back.
    pub(super) fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path)
            .map_err(|error| io_error("can't remove the lock", &self.path, error))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A process that is being started has all open files for a moment: closing ours alone would not
        // give the lock back until then. If this fails, closing does it later.
        let _ = self.file.unlock();
    }
}

fn path(database: &Path, name: &str) -> PathBuf {
    let mut folder = database.as_os_str().to_owned();
    folder.push("-locks");
    PathBuf::from(folder).join(name)
}

fn open(path: &Path) -> Result<File, Error> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    private(OpenOptions::new().write(true).create(true).truncate(false))
        .open(path)
        .map_err(|error| io_error("can't open the lock", path, error))
}

fn in_use(database: &Path, name: &str, holder: Option<String>) -> Error {
    let holder = holder.unwrap_or_else(|| "another process".to_owned());
    let text = format!(
        "the session `{name}` in `{}` is in use by {holder}: wait until that has ended, or use another name",
        database.display()
    );
    Error::new(ErrorKind::Journal, text)
}

/// Whether the file is the one that stands at the path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let ours = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere, a file that somebody has open is not removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
