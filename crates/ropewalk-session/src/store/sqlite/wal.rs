//! The write-ahead log of a database, and when it is copied into the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB};

/// As many pages as SQLite itself lets it have.
const PAGES: i32 = 1000;

/// How long the log is. SQLite would copy it as a part of the write that makes it too long, which waits for the disk:
/// here it is copied by itself, by a thread that may wait.
#[derive(Debug)]
pub(super) struct Wal {
    pages: Arc<AtomicI32>,
}

impl Wal {
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

    /// Whether it is so long that it should be copied.
    pub(super) fn is_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) >= PAGES
    }

    /// Copies what nobody still reads.
    pub(super) fn checkpoint(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Tried again after the next write that finds it long.
        self.pages.store(0, Ordering::Relaxed);
        connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE)?;
        Ok(())
    }
}
