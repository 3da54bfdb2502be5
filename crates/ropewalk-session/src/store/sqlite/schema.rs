//! The tables, and whose database it is.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use rusqlite::{Connection, TransactionBehavior};

use super::lock::LockFile;
use super::problem::{Problem, refused};
use crate::disk::{Durability, io_error, make_folder, private, sync_folder};

/// The number of the tables' form.
const VERSION: i64 = 3;

/// Marks a database as Ropewalk's: `rope` in ASCII.
const APPLICATION: i64 = 0x726f_7065;

/// How long one who writes waits for another.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

const SESSIONS: &str = "
    CREATE TABLE session (
        -- No more than lines have numbers for.
        id INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id < 0x80000000),
        name TEXT NOT NULL UNIQUE,
        header TEXT NOT NULL,
        -- Counts its writers: only the last of them adds lines.
        epoch INTEGER NOT NULL DEFAULT 0,
        holder TEXT,
        -- Whether it ever had a line.
        begun INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE snapshot (
        session INTEGER PRIMARY KEY,
        text TEXT NOT NULL
    );
";

const LINES: &str = "
    CREATE TABLE line (
        -- The session's id in the upper half, the number of the line in the lower one.
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        -- Whether it is the last one of its session.
        last INTEGER NOT NULL DEFAULT 0
    );
";

/// Whoever removes a session removes its lines and its snapshot.
const REMOVED: &str = "
    CREATE TRIGGER session_removed AFTER DELETE ON session WHEN OLD.id < 0x80000000 BEGIN
        DELETE FROM line WHERE id BETWEEN OLD.id << 32 AND (OLD.id << 32) + 0xffffffff;
        DELETE FROM snapshot WHERE session = OLD.id;
    END;
";

/// The lines of version 1 had their session and their number in columns.
const FROM_1: &str = "
    INSERT INTO line (id, text) SELECT (session << 32) + seq, text FROM line_1 ORDER BY session, seq;
    DROP TABLE line_1;
";

/// Those of version 2 did not say which is the last.
const FROM_2: &str = "ALTER TABLE line ADD COLUMN last INTEGER NOT NULL DEFAULT 0;";

/// Before version 3, sessions said how many lines they have. Where that was not so, no line is the last one.
const COUNTED: &str = "
    UPDATE line SET last = 1 WHERE id IN (
        SELECT (id << 32) + next - 1 FROM session WHERE next BETWEEN 1 AND 0xffffffff AND id < 0x80000000
    );
    ALTER TABLE session RENAME COLUMN next TO begun;
    UPDATE session SET begun = begun > 0;
";

/// Whether there are lines with numbers that no program gave them.
const ODD_1: &str = "
    SELECT EXISTS (SELECT 1 FROM line WHERE
        seq NOT BETWEEN 0 AND 0xffffffff OR session NOT BETWEEN 1 AND 0x7fffffff)
";

/// A connection to the database, which is made if there is none.
pub(super) fn connect(path: &Path, durability: Durability) -> Result<Connection, Error> {
    make(path)?;
    let problem = Problem::new("can't open the session database", path);
    let mut connection = Connection::open(path).map_err(|error| problem.error(error))?;
    connection.busy_timeout(PATIENCE).map_err(|error| problem.error(error))?;
    check(&mut connection, path, &problem)?;
    let synchronous = match durability {
        Durability::Synced => "FULL",
        Durability::Buffered => "NORMAL",
    };
    connection
        .pragma_update(None, "synchronous", synchronous)
        .map_err(|error| problem.error(error))?;
    Ok(connection)
}

/// Makes an empty file for its owner only. One that is there is not touched: closing a file that another
/// connection of this process has open would take away that one's locks.
fn make(path: &Path) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    match private(OpenOptions::new().write(true).create_new(true)).open(path) {
        Ok(_) => sync_folder(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io_error("can't make the session database", path, error)),
    }
}

/// Makes the tables in a database that is empty, brings older ones up to date, and refuses those of others.
fn check(connection: &mut Connection, path: &Path, problem: &Problem<'_>) -> Result<(), Error> {
    let failed = |error| problem.error(error);
    // Held to the end: whoever opens it meanwhile waits, however long it takes.
    let _made = LockFile::wait_to_make(path)?;
    if is_empty(connection).map_err(failed)? {
        create(connection).map_err(failed)?;
    }
    if number(connection, "application_id").map_err(failed)? != APPLICATION {
        let text = "is the database of another program: give the sessions a file of their own";
        return Err(refused(path, text));
    }
    let version = number(connection, "user_version").map_err(failed)?;
    if version == 1 && connection.query_row(ODD_1, [], |row| row.get(0)).map_err(failed)? {
        let text = "is damaged: it has records with numbers that there can't be. Nothing was changed; restore it from a copy";
        return Err(refused(path, text));
    }
    if version < VERSION {
        tracing::info!("the session database `{}` gets tables of today's form", path.display());
        update(connection).map_err(failed)?;
    }
    let version = number(connection, "user_version").map_err(failed)?;
    if version > VERSION {
        let text = format!(
            "the session database `{}` has tables of version {version}, and this version of Ropewalk knows those up to {VERSION}: use a newer one",
            path.display()
        );
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    // It stays with the file, but not with every copy of it.
    let mode = connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(refused(path, "can't have a write-ahead log where it lies"));
    }
    Ok(())
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SESSIONS)?;
    transaction.execute_batch(LINES)?;
    transaction.execute_batch(REMOVED)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

/// Brings tables of an earlier version into today's form.
fn update(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match number(&transaction, "user_version")? {
        1 => {
            transaction.execute_batch("ALTER TABLE line RENAME TO line_1;")?;
            transaction.execute_batch(LINES)?;
            transaction.execute_batch(FROM_1)?;
            transaction.execute_batch(REMOVED)?;
        }
        2 => transaction.execute_batch(FROM_2)?,
        // Somebody else did it, who knows the file by another name.
        _ => return Ok(()),
    }
    transaction.execute_batch(COUNTED)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}
