//! From what the model calls a file to a path within the working folder.

use std::path::Path;

use super::error::FileError;
use crate::folder::WorkingFolder;

/// The path within the folder. An absolute path is taken if it leads into the folder; whether a
/// relative one leads out of it is found when it is opened, with all its links.
pub(super) fn within(folder: &WorkingFolder, path: &str) -> Result<String, FileError> {
    let path = path.trim();
    if path.is_empty() {
        return Err(FileError::EmptyPath);
    }
    if !Path::new(path).is_absolute() {
        let plain = path.trim_start_matches("./").trim_end_matches('/');
        return Ok(if plain.is_empty() { ".".to_owned() } else { plain.to_owned() });
    }
    match Path::new(path).strip_prefix(folder.path()).ok().and_then(Path::to_str) {
        Some("") => Ok(".".to_owned()),
        Some(inside) => Ok(inside.to_owned()),
        None => Err(FileError::outside(folder, path)),
    }
}
