//! The folder where fetched and converted weights are kept.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::{LocalError, Result};

/// The user's cache folder.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// `$ROPEWALK_CACHE`, or `ropewalk` in the system's cache folder for this user.
    pub(crate) fn of_user() -> Result<Self> {
        let variable = |name: &str| env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        if let Some(folder) = variable("ROPEWALK_CACHE") {
            return Ok(Self::at(folder));
        }
        let system = variable("XDG_CACHE_HOME").filter(|p| p.is_absolute()).or_else(|| {
            if cfg!(windows) {
                return variable("LOCALAPPDATA");
            }
            let below = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
            env::home_dir().map(|home| home.join(below))
        });
        system.map(|folder| Self::at(folder.join("ropewalk"))).ok_or_else(|| {
            LocalError::Obstacle(
                "there is no folder to keep the weights in: neither ROPEWALK_CACHE nor HOME is set; \
                 set ROPEWALK_CACHE to a folder"
                    .into(),
            )
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn create(&self, needed: u64) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|e| super::cannot_write(&self.folder, &e, needed))
    }

    /// Holds off other processes until the answer is dropped. `waiting` is called if one is at work.
    pub(super) fn lock(&self, needed: u64, waiting: impl FnOnce()) -> Result<File> {
        let path = self.file("fetch.lock");
        let failed = |e: std::io::Error| super::cannot_write(&path, &e, needed);
        let file = File::options().create(true).write(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        if file.try_lock().is_err() {
            waiting();
            file.lock().map_err(failed)?;
        }
        Ok(file)
    }
}

/// A folder that is gone when the value is.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) path: PathBuf,
}

const SCRATCH: &str = "fetch-";

impl Scratch {
    /// Makes the folder of this process, which holds the cache's lock: those that lie there already belong to
    /// processes that were ended in the middle, and are removed.
    pub(super) fn create(cache: &Cache, needed: u64) -> Result<Self> {
        for entry in fs::read_dir(cache.folder()).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
                // Best effort, as below.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let path = cache.file(&format!("{SCRATCH}{}", std::process::id()));
        let made = fs::create_dir_all(&path);
        made.map_err(|e| super::cannot_write(&path, &e, needed))?;
        Ok(Self { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: what stays is in nobody's way but the disk's.
        let _ = fs::remove_dir_all(&self.path);
    }
}
