//! Where a path of a file leads.

use std::path::{Path, PathBuf};

/// A path as it is written in a file of this folder; `~` is the user's own.
pub(super) fn resolve(folder: &Path, path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(below), Some(home)) => home.join(below),
        // An absolute path stays what it is.
        _ => folder.join(path),
    }
}

/// Whether a tool is named by its place.
#[cfg(feature = "tools")]
pub(super) fn is_path(text: &str) -> bool {
    text.contains(['/', std::path::MAIN_SEPARATOR]) || text.starts_with(['~', '.'])
}
