//! The write-ahead log of a database, and when it is copied into the database.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB};

use super::problem::Problem;

/// As many pages as SQLite itself lets it have.
const PAGES: i32 = 1000;

/// Keeps the write-ahead log short. SQLite would copy it behind the write that makes it too long, and wait for the disk
/// as it does so and with the next write, which begins the log anew: both are left to a write that may wait. (Only
/// behind a copy that another connection made, one waits that should not.)
#[derive(Debug)]
pub(super) struct WriteAheadLog {
    /// How long it was after the last write.
    pages: Arc<AtomicI32>,
    /// The last copy failed, and that was said.
    cannot_copy: bool,
}

impl WriteAheadLog {
    /// Takes over from SQLite.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let noted = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            noted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, cannot_copy: false })
    }

    /// Whether it should be copied before anything more is written.
    pub(super) fn is_too_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= PAGES
    }

    /// Copies what nobody still reads, if it is too long; the next write says how long it is then. What can't be
    /// copied stays in the log, where nothing of it is lost.
    pub(super) fn shorten(&mut self, connection: &Connection, path: &Path) {
        if !self.is_too_long() {
            return;
        }
        match checkpoint(connection) {
            Ok(()) => self.cannot_copy = false,
            // It is tried again with each write: once is enough to know.
            Err(_) if self.cannot_copy => {}
            Err(error) => {
                self.cannot_copy = true;
                let error = Problem::new("can't copy the log into", path).error(error);
                tracing::warn!("{error}: the log grows until that is mended");
            }
        }
    }
}

fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
        // Somebody else is at it.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
        ended => ended.map(|_| ()),
    }
}
