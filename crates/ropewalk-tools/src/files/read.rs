//! Reading.

use std::io::Read;

use super::error::{FileError, listing};
use super::path;
use crate::folder::WorkingFolder;

/// The largest file, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// The content of a text file, for a model.
pub(super) fn read(folder: &WorkingFolder, path: &str) -> Result<String, FileError> {
    let text = content(folder, path)?;
    // Providers refuse an empty text.
    Ok(if text.is_empty() { "(the file is empty)".to_owned() } else { text })
}

/// The content of a text file.
pub(super) fn content(folder: &WorkingFolder, path: &str) -> Result<String, FileError> {
    let path = path::within(folder, path)?;
    let failed = |source| FileError::of(folder, &path, "read", source);
    let dir = folder.dir();
    // Looked at before it is opened: opening a pipe would wait for somebody to write.
    let metadata = dir.metadata(&path).map_err(failed)?;
    if metadata.is_dir() {
        let listing = listing(&dir.open_dir(&path).map_err(failed)?);
        return Err(FileError::Folder(path, listing));
    }
    if !metadata.is_file() {
        return Err(FileError::Special(path));
    }
    let too_large = |path, size| FileError::TooLarge { path, size, limit: LIMIT };
    if metadata.len() > LIMIT {
        return Err(too_large(path, metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = dir.open(&path).map_err(failed)?;
    // It may have grown, and some files have no size at all.
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(too_large(path, bytes.len() as u64));
    }
    String::from_utf8(bytes)
        .map_err(|error| FileError::NotText(path, error.utf8_error().valid_up_to()))
}
