//! What all that lies on this machine's disk have in common.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, TryLockError};

use ropewalk_core::{BoxFuture, Error, ErrorKind};

/// When what was written is on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before anything goes on: a power cut loses nothing. The default.
    #[default]
    Synced,
    /// When the system gets to it: a killed process loses nothing, a power cut the last seconds.
    Buffered,
}

/// Runs file work where it may block; it is seen to its end even if nobody waits any more.
pub(crate) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> BoxFuture<'static, Result<T, Error>> {
    Box::pin(async move {
        if tokio::runtime::Handle::try_current().is_err() {
            return work();
        }
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
            let text = format!("the session's file work broke off: {error}");
            Err(Error::new(ErrorKind::Journal, text).with_source(error))
        })
    })
}

/// What is locked, for those who don't wait: none if something else is done with it.
pub(crate) fn at_once<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Makes a folder, for its owner only: what is said in a session is nobody else's.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Error> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| io_error("can't make the folder", folder, error))
}

/// Makes a file that is made here for its owner only.
pub(crate) fn private(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The names of files must last as well as what is in them.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Error> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let here = folder.as_os_str().is_empty();
        let folder = if here { Path::new(".") } else { folder };
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| io_error("can't write the folder", folder, error))?;
    }
    Ok(())
}

pub(crate) fn io_error(what: &str, path: &Path, error: io::Error) -> Error {
    let text = format!("{what} `{}`: {error}", path.display());
    Error::new(ErrorKind::Journal, text).with_source(error)
}
