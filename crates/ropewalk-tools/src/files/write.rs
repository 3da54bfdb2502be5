//! Writing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, OpenOptions, Permissions};

use super::error::FileError;
use super::path;
use crate::folder::WorkingFolder;

/// The largest content, in bytes.
const LIMIT: usize = 8 * 1024 * 1024;

/// Replaces a file's content: whoever reads it sees the old or the new one, never a part.
pub(super) fn write(
    folder: &WorkingFolder,
    path: &str,
    content: &str,
) -> Result<String, FileError> {
    if content.len() > LIMIT {
        return Err(FileError::ContentTooLarge { size: content.len(), limit: LIMIT });
    }
    if path.trim_end().ends_with('/') {
        return Err(FileError::WriteToFolder(path.trim().to_owned()));
    }
    let path = path::within(folder, path)?;
    let failed = |source| FileError::of(folder, &path, "written", source);
    let dir = folder.dir();
    let (target, permissions) = match dir.metadata(&path) {
        Ok(metadata) if metadata.is_dir() => return Err(FileError::WriteToFolder(path)),
        Ok(metadata) if !metadata.is_file() => return Err(FileError::Special(path)),
        Ok(metadata) if metadata.permissions().readonly() => return Err(FileError::ReadOnly(path)),
        // What a link leads to is replaced, not the link.
        Ok(metadata) => (dir.canonicalize(&path).map_err(failed)?, Some(metadata.permissions())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (PathBuf::from(&path), None),
        Err(error) => return Err(failed(error)),
    };
    if let Some(parent) = target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        dir.create_dir_all(parent).map_err(failed)?;
    }
    replace(dir, &target, content, permissions).map_err(failed)?;
    Ok(format!("Wrote {} bytes to {path}.", content.len()))
}

/// Writes beside the target, then takes its place.
fn replace(
    dir: &Dir,
    target: &Path,
    content: &str,
    permissions: Option<Permissions>,
) -> io::Result<()> {
    let (beside, mut file) = beside(dir, target)?;
    let written = (|| {
        file.write_all(content.as_bytes())?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        dir.rename(&beside, dir, target)
    })();
    if written.is_err() {
        // What is told is why it failed, not that something was left behind.
        let _ = dir.remove_file(&beside);
    }
    written
}

/// A new file in the target's folder, under a name that nobody has.
fn beside(dir: &Dir, target: &Path) -> io::Result<(PathBuf, cap_std::fs::File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".ropewalk-{}-{count}.tmp", std::process::id()));
        match dir.open_with(&path, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
