//! Which files of a folder are programs.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ropewalk_core::{Error, ErrorKind};

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    length: u64,
    modified: Option<SystemTime>,
    /// The file itself, and when anything about it was changed last.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

/// The programs of a folder by their path in it; for what is refused, why. Blocks.
pub(super) fn programs(
    folder: &Path,
) -> io::Result<BTreeMap<PathBuf, Result<Fingerprint, String>>> {
    let mut programs = BTreeMap::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if is_passed_over(&path) {
            continue;
        }
        let known = match path.metadata() {
            Ok(file) if file.is_file() && is_executable(&path, &file) => {
                inside(folder, &path).map(|()| Fingerprint::of(&file))
            }
            Ok(_) => continue,
            // It went away meanwhile, unless it is a link.
            Err(_) if !path.is_symlink() => continue,
            Err(error) => Err(format!("the link leads nowhere: {error}")),
        };
        programs.insert(path, known);
    }
    Ok(programs)
}

impl Fingerprint {
    /// The state of this file.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        path.metadata().map(|file| Self::of(&file))
    }

    pub(super) fn of(file: &Metadata) -> Self {
        Self {
            length: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt as _;
                (file.dev(), file.ino(), file.ctime(), file.ctime_nsec())
            },
        }
    }
}

/// The folder's path without symbolic links.
pub(super) fn folder(path: &Path) -> Result<PathBuf, Error> {
    let refuse = |text: String| Error::new(ErrorKind::InvalidInput, text);
    let shown = path.display();
    let whole = path.canonicalize().map_err(|error| {
        refuse(format!("the folder of tools `{shown}` can't be opened: {error}")).with_source(error)
    })?;
    match whole.is_dir() {
        true => Ok(whole),
        false => {
            Err(refuse(format!("`{shown}` is no folder: name the folder that the tools are in")))
        }
    }
}

fn is_passed_over(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("__") || name.starts_with('.') || name.ends_with('~')
}

/// Refuses links to files elsewhere: who may write into this folder need not be able to say what is run
/// outside of it.
fn inside(folder: &Path, path: &Path) -> Result<(), String> {
    let real = path.canonicalize().map_err(|error| format!("it can't be opened: {error}"))?;
    if real.starts_with(folder) {
        return Ok(());
    }
    let real = real.display();
    Err(format!(
        "it is a link to `{real}`, which is not in the folder: put the program itself here"
    ))
}

#[cfg(unix)]
pub(super) fn is_executable(_: &Path, file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
pub(super) fn is_executable(path: &Path, _: &Metadata) -> bool {
    let kind = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["exe", "com", "bat", "cmd"].iter().any(|known| kind == *known)
}
