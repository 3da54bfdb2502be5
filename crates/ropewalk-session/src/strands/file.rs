//! One file of a session: JSON, read and written whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use ropewalk_core::{Error, ErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::disk::{self, io_error, private};

/// No message is as large as that, with all its pictures. Who reads a folder of others must not run out of
/// memory.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// What a file holds; none if there is no such file.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    if !is_there(path)? {
        return Ok(None);
    }
    let failed = |error| io_error("can't read", path, error);
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        let text = format!("`{}` is larger than {MOST_BYTES} bytes", path.display());
        return Err(Error::new(ErrorKind::Journal, text));
    }
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| damaged(path, &format!("{error}")).with_source(error))
}

/// Puts a value in place of what a file holds, all of it or nothing.
pub(super) fn write(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    is_there(path)?;
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| {
        let text = format!("`{}` can't be written as JSON: {error}", path.display());
        Error::new(ErrorKind::Journal, text).with_source(error)
    })?;
    let aside = path.with_file_name(format!(".strands_{}.tmp", Uuid::new_v4().simple()));
    write_new(&aside, &bytes).and_then(|()| fs::rename(&aside, path)).map_err(|error| {
        // What is left of it hinders nobody: the first error is the one to tell.
        fs::remove_file(&aside).ok();
        io_error("can't write", path, error)
    })
}

/// Takes a file away.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    if is_there(path)? {
        fs::remove_file(path).map_err(|error| io_error("can't remove", path, error))?;
    }
    Ok(())
}

/// Makes a folder for its owner only, unless it is there.
pub(super) fn make_folder(path: &Path) -> Result<(), Error> {
    if is_there(path)? {
        return Ok(());
    }
    disk::make_folder(path)
}

/// True if there is something under this name. A link is refused: whoever put it there would have other
/// files read or written.
pub(super) fn is_there(path: &Path) -> Result<bool, Error> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => {
            let text = format!(
                "`{}` is a symbolic link: sessions are not read or written through one",
                path.display()
            );
            Err(Error::new(ErrorKind::Journal, text))
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("can't look at", path, error)),
    }
}

/// A file that holds what it should not.
pub(super) fn damaged(path: &Path, why: &str) -> Error {
    let text = format!(
        "`{}` is no file of Strands that can be read: {why}. Nothing was changed; restore it from a copy, or use another session",
        path.display()
    );
    Error::new(ErrorKind::Journal, text)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    // Without this a power failure may leave the new name with nothing behind it.
    file.sync_data()
}
