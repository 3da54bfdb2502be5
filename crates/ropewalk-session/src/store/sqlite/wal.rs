//! The write-ahead log of a database, and when it is copied into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, MAIN_DB};

/// As many pages as SQLite itself lets it have.
const PAGES: i32 = 1000;

/// How long the write-ahead log is. SQLite would copy it behind the write that makes it too long, and wait for the disk
/// as it does so and with the next write, which begins the log anew: both are left to a write that may wait. (Only
/// behind a copy that another connection made, one waits that should not.)
#[derive(Debug)]
pub(super) struct WalLength {
    pages: Arc<AtomicI32>,
}

impl WalLength {
    /// Takes over from SQLite.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicI32::new(0));
        let noted = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages| {
            noted.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages })
    }

    /// Whether it should be copied before anything more is written.
    pub(super) fn is_too_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= PAGES
    }

    /// Copies what nobody still reads. The next write says how long it is then.
    pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
        match connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE) {
            // Somebody else is at it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
            ended => ended.map(|_| ()),
        }
    }
}
