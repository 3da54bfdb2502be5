//! What all file work has in common.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use ropewalk_core::{Error, ErrorKind};

/// The file's name must last as well as what is in it.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let here = folder.as_os_str().is_empty();
        let folder = if here { Path::new(".") } else { folder };
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| io_error("can't write the folder", folder, error))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// An error of a file, by its path.
pub(crate) fn io_error(what: &str, path: &Path, error: io::Error) -> Error {
    let text = format!("{what} `{}`: {error}", path.display());
    Error::new(ErrorKind::Journal, text).with_source(error)
}

/// How long a lock is waited for: less than a callback may take. What is done under one takes
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Locks a file, alone or together with other readers. Who holds it for long has stopped: an error
/// is better than to wait for that without end.
pub(crate) fn lock(file: &File, shared: bool) -> io::Result<()> {
    let start = Instant::now();
    loop {
        let locked = if shared { file.try_lock_shared() } else { file.try_lock() };
        match locked {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                let text = format!("another process has held its lock for {PATIENCE:?}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}
