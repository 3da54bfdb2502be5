//! What SQLite reports, in words that say what to do.

use std::path::Path;

use ropewalk_core::{Error, ErrorKind};
use rusqlite::ErrorCode;

/// What was being done when something failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem<'a> {
    what: &'a str,
    path: &'a Path,
}

impl<'a> Problem<'a> {
    pub(super) fn new(what: &'a str, path: &'a Path) -> Self {
        Self { what, path }
    }

    pub(super) fn error(&self, error: rusqlite::Error) -> Error {
        let advice = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                "it is damaged, or no SQLite database. Nothing was changed; restore it from a copy, or use another file"
            }
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                "it can't be written. Look at the permissions of the file and of its folder"
            }
            Some(ErrorCode::DiskFull) => "the disk is full. Nothing was added; make room and go on",
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another program keeps it locked. End that, and try again"
            }
            _ => "SQLite reports an error",
        };
        let text = format!("{} `{}`: {advice} ({error})", self.what, self.path.display());
        Error::new(ErrorKind::Journal, text).with_source(error)
    }
}

/// That something is not done with the database, and why.
pub(super) fn refused(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Journal, format!("the session database `{}` {why}", path.display()))
}
