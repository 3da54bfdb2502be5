//! What may go wrong with a file, said so that a model can do better.

use std::io;

use cap_std::fs::Dir;

use crate::folder::WorkingFolder;
use crate::near::{listed, near};

/// How many names of a folder are looked at, or listed.
const MOST_NAMES: usize = 100;

/// What went wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("the path is empty: give a file's path in the working folder")]
    EmptyPath,
    #[error("`{0}` is outside the working folder `{1}`: only paths within it can be used")]
    Outside(String, String),
    #[error("there is no file `{path}`{hint}")]
    Missing { path: String, hint: String },
    #[error("`{0}` is a folder, not a file. It holds: {1}")]
    Folder(String, String),
    #[error("`{0}` is a folder: give the path of a file")]
    WriteToFolder(String),
    #[error("`{0}` is neither a file nor a folder")]
    Special(String),
    #[error("`{path}` has {size} bytes, more than the {limit} that can be read at once")]
    TooLarge { path: String, size: u64, limit: u64 },
    #[error("the content has {size} bytes, more than the {limit} that can be written")]
    ContentTooLarge { size: usize, limit: usize },
    #[error("`{0}` is no text: byte {1} is not UTF-8")]
    NotText(String, usize),
    #[error("`{0}` may not be written to: it is read-only")]
    ReadOnly(String),
    #[error("`{path}` can't be {action}: {source}")]
    Io { path: String, action: &'static str, source: io::Error },
}

impl FileError {
    /// What an error of the file system means for a path.
    pub(super) fn of(
        folder: &WorkingFolder,
        path: &str,
        action: &'static str,
        source: io::Error,
    ) -> Self {
        // Without a number it is not the system that refuses but `cap-std`, and that is why.
        if source.kind() == io::ErrorKind::PermissionDenied && source.raw_os_error().is_none() {
            return Self::outside(folder, path);
        }
        if source.kind() == io::ErrorKind::NotFound {
            return Self::Missing { path: path.to_owned(), hint: hint(folder, path) };
        }
        Self::Io { path: path.to_owned(), action, source }
    }

    pub(super) fn outside(folder: &WorkingFolder, path: &str) -> Self {
        Self::Outside(path.to_owned(), folder.path().display().to_string())
    }
}

/// The files that were perhaps meant.
fn hint(folder: &WorkingFolder, path: &str) -> String {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let names = if parent.is_empty() {
        names(folder.dir())
    } else {
        folder.dir().open_dir(parent).map(|dir| names(&dir)).unwrap_or_default()
    };
    let similar = near(name, names.iter().map(String::as_str));
    if similar.is_empty() {
        return String::new();
    }
    let place = if parent.is_empty() { String::new() } else { format!("{parent}/") };
    let similar: Vec<String> = similar.iter().map(|name| format!("{place}{name}")).collect();
    format!(": perhaps {}?", listed(&similar))
}

/// The names in a folder, sorted, folders with a `/`; the first hundred.
pub(super) fn names(dir: &Dir) -> Vec<String> {
    // A folder that can't be listed only costs the hint.
    let Ok(entries) = dir.entries() else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .take(MOST_NAMES)
        .map(|entry| {
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            format!("{}{}", entry.file_name().to_string_lossy(), if is_dir { "/" } else { "" })
        })
        .collect();
    names.sort();
    names
}

/// What a folder holds, as a line.
pub(super) fn listing(dir: &Dir) -> String {
    let names = names(dir);
    match names.len() {
        0 => "nothing".to_owned(),
        MOST_NAMES => format!("{} and perhaps more", names.join(", ")),
        _ => names.join(", "),
    }
}
