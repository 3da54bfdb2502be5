//! The database: what is asked of it, one transaction each.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Transaction, TransactionBehavior, params,
};

use super::lines::{self, Last};
use super::problem::Problem;
use super::schema;
use super::wal::WriteAheadLog;
use crate::disk::Durability;
use crate::store::Stored;

/// What is being done when lines are added.
const ADDING: &str = "can't add to the session in";

#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    connection: Connection,
    /// None where each write waits for the disk, and SQLite copies the log.
    wal: Option<WriteAheadLog>,
}

/// What makes somebody the writer of a session: nobody took it since.
#[derive(Debug)]
pub(super) struct Hold {
    id: i64,
    name: String,
    epoch: i64,
    /// A write failed, and how it ended must be settled first.
    in_doubt: bool,
}

/// A session that was taken.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) hold: Hold,
    pub(super) header: String,
    pub(super) next: u64,
}

impl Database {
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, Error> {
        let mut connection = schema::connect(path, durability)?;
        let wal = match durability {
            Durability::Synced => None,
            Durability::Buffered => Some(WriteAheadLog::of(&mut connection).map_err(|error| {
                Problem::new("can't open the session database", path).error(error)
            })?),
        };
        Ok(Self { path: path.to_owned(), connection, wal })
    }

    /// Makes this the writer of a session, and begins it if there is none. Whoever was it is so no more.
    pub(super) fn take(&mut self, name: &str, header: &str) -> Result<Taken, Error> {
        let holder = format!("process {}", std::process::id());
        let (hold, header, begun, last) =
            self.write("can't open the session in", |transaction| {
                transaction.execute(
                    "INSERT INTO session (name, header) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![name, header],
                )?;
                let (hold, header, begun) = transaction.query_row(
                    "UPDATE session SET epoch = epoch + 1, holder = ?2 WHERE name = ?1
                     RETURNING id, epoch, header, begun",
                    params![name, holder],
                    |row| {
                        let (id, epoch) = (row.get(0)?, row.get(1)?);
                        let hold = Hold { id, name: name.to_owned(), epoch, in_doubt: false };
                        Ok((hold, row.get(2)?, row.get::<_, bool>(3)?))
                    },
                )?;
                let last = lines::last(transaction, hold.id)?;
                Ok((hold, header, begun, last))
            })?;
        match last {
            None if !begun => Ok(Taken { hold, header, next: 0 }),
            Some(Last { seq, written_last: true }) if begun => {
                Ok(Taken { hold, header, next: seq + 1 })
            }
            last => Err(self.damaged(name, last)),
        }
    }

    /// That the last line of a session is not the one that was written last.
    fn damaged(&self, name: &str, last: Option<Last>) -> Error {
        let what = match last {
            None => "all its records are missing".to_owned(),
            Some(Last { seq, .. }) => format!(
                "record {seq}, the last one that it has, is not the one that was written last"
            ),
        };
        let text = format!(
            "the session `{name}` in `{}` is damaged: {what}. Nothing is added; restore it from a copy, or begin a new session",
            self.path.display(),
        );
        Error::new(ErrorKind::Journal, text)
    }

    /// Adds lines: all or none, and only for the writer.
    pub(super) fn append(
        &mut self,
        hold: &mut Hold,
        first: u64,
        lines: &[String],
    ) -> Result<(), Error> {
        let id = place(hold, first, lines.len(), &self.path)?;
        self.settle(hold)?;
        hold.in_doubt = true;
        let added = self.write_with(ADDING, |connection| add(connection, id, lines, hold.epoch))?;
        hold.in_doubt = false;
        if added { Ok(()) } else { Err(self.not_ours(hold, first)?) }
    }

    /// The same without waiting for another writer or, as a rule, the disk. None, and nothing was done, if that can't
    /// be; or if something is wrong that [`append`](Self::append) finds too.
    pub(super) fn append_at_once(
        &mut self,
        hold: &mut Hold,
        first: u64,
        lines: &[String],
    ) -> Option<Result<(), Error>> {
        if hold.in_doubt || self.wal.as_ref().is_some_and(WriteAheadLog::is_too_long) {
            return None;
        }
        let id = place(hold, first, lines.len(), &self.path).ok()?;
        let ended = at_once(&self.connection, |connection| add(connection, id, lines, hold.epoch))?;
        hold.in_doubt = ended.is_err();
        match ended {
            Ok(true) => Some(Ok(())),
            // Nothing was added. Why, can take a while to find out.
            Ok(false) => None,
            Err(error) => Some(Err(Problem::new(ADDING, &self.path).error(error))),
        }
    }

    /// The lines of the writer from a number on.
    pub(super) fn lines(&mut self, hold: &mut Hold, from: u64) -> Result<Vec<String>, Error> {
        self.settle(hold)?;
        self.read_with("can't read the session in", |connection| {
            lines::read(connection, hold.id, from)
        })
    }

    pub(super) fn snapshot(&mut self, hold: &Hold) -> Result<Option<String>, Error> {
        self.read_with("can't read the snapshot in", |connection| {
            connection
                .query_row("SELECT text FROM snapshot WHERE session = ?1", [hold.id], |row| {
                    row.get(0)
                })
                .optional()
        })
    }

    pub(super) fn put_snapshot(&mut self, hold: &Hold, snapshot: &str) -> Result<(), Error> {
        let put = self.write("can't write the snapshot in", |transaction| {
            transaction.execute(
                "INSERT INTO snapshot (session, text)
                 SELECT id, ?3 FROM session WHERE id = ?1 AND epoch = ?2
                 ON CONFLICT (session) DO UPDATE SET text = excluded.text",
                params![hold.id, hold.epoch, snapshot],
            )
        })?;
        if put == 0 { Err(self.taken_over(hold)) } else { Ok(()) }
    }

    /// A session as it is, for those who only look.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Stored>, Error> {
        self.read_with("can't read the session in", |connection| {
            let found = connection
                .query_row("SELECT id, header FROM session WHERE name = ?1", [name], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((id, header)) = found else { return Ok(None) };
            Ok(Some(Stored { header, lines: lines::read(connection, id, 0)? }))
        })
    }

    pub(super) fn names(&mut self) -> Result<Vec<String>, Error> {
        self.read_with("can't read the sessions in", |connection| {
            let mut names = connection.prepare("SELECT name FROM session ORDER BY name")?;
            names.query_map([], |row| row.get(0))?.collect()
        })
    }

    pub(super) fn exists(&mut self, name: &str) -> Result<bool, Error> {
        self.read_with("can't read the sessions in", |connection| {
            connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM session WHERE name = ?1)",
                [name],
                |row| row.get(0),
            )
        })
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<bool, Error> {
        self.write("can't remove the session in", |transaction| {
            // Its lines and its snapshot go with it.
            Ok(transaction.execute("DELETE FROM session WHERE name = ?1", [name])? > 0)
        })
    }

    /// Who took a session last. It is only for a message: what can't be read is not known.
    pub(super) fn holder(&self, name: &str) -> Option<String> {
        self.connection
            .query_row("SELECT holder FROM session WHERE name = ?1", [name], |row| row.get(0))
            .ok()
            .flatten()
    }

    /// Makes sure that a write which failed stays as it is: either it counts now, or it never will. A commit
    /// that the disk refused half-way could otherwise be found again after a power cut.
    fn settle(&mut self, hold: &mut Hold) -> Result<(), Error> {
        if !hold.in_doubt {
            return Ok(());
        }
        let (id, epoch) = (hold.id, hold.epoch);
        let settled = self.write("can't write the session in", |transaction| {
            transaction.execute(
                "UPDATE session SET epoch = epoch + 1 WHERE id = ?1 AND epoch = ?2",
                [id, epoch],
            )
        })?;
        if settled == 0 {
            return Err(self.taken_over(hold));
        }
        hold.epoch += 1;
        hold.in_doubt = false;
        Ok(())
    }

    /// Why nothing was added.
    fn not_ours(&mut self, hold: &Hold, first: u64) -> Result<Error, Error> {
        let (ours, last) = self.read_with("can't read the session in", |connection| {
            let ours: bool = connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM session WHERE id = ?1 AND epoch = ?2)",
                [hold.id, hold.epoch],
                |row| row.get(0),
            )?;
            Ok((ours, lines::last(connection, hold.id)?))
        })?;
        Ok(match last {
            _ if !ours => self.taken_over(hold),
            Some(Last { written_last: false, .. }) => self.damaged(&hold.name, last),
            last => {
                let next = last.map_or(0, |last| last.seq + 1);
                let text = format!(
                    "the session `{}` in `{}` has {next} records, where {first} were expected",
                    hold.name,
                    self.path.display()
                );
                Error::new(ErrorKind::Journal, text)
            }
        })
    }

    fn taken_over(&self, hold: &Hold) -> Error {
        let Hold { name, .. } = hold;
        let who = self.holder(name).map_or_else(
            || "was removed".to_owned(),
            |holder| format!("was taken over by {holder}"),
        );
        let text = format!(
            "the session `{name}` in `{}` {who}: nothing of this one is added to it any more",
            self.path.display()
        );
        Error::new(ErrorKind::Journal, text)
    }

    fn read_with<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let Self { path, connection, .. } = self;
        // In a transaction, all that is read is of one moment.
        let ended = connection.transaction().and_then(|transaction| work(&transaction));
        ended.map_err(|error| Problem::new(what, path).error(error))
    }

    /// In a transaction.
    fn write<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        self.write_with(what, |connection| {
            let transaction = begin(connection)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })
    }

    fn write_with<T>(
        &mut self,
        what: &str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let Self { path, connection, wal } = self;
        if let Some(wal) = wal {
            wal.shorten(connection, path);
        }
        work(connection).map_err(|error| Problem::new(what, path).error(error))
    }
}

/// Begins to write.
fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

/// Adds lines, all or none; false for none.
fn add(connection: &Connection, id: i64, lines: &[String], epoch: i64) -> rusqlite::Result<bool> {
    let transaction = begin(connection)?;
    let added = lines::add(&transaction, id, lines, epoch)?;
    if added {
        transaction.commit()?;
    }
    Ok(added)
}

/// Does something that does not wait for another writer. None, and nothing was done, if it would have to.
fn at_once<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Option<rusqlite::Result<T>> {
    connection.busy_timeout(Duration::ZERO).ok()?;
    let ended = work(connection);
    let again = connection.busy_timeout(schema::PATIENCE);
    match ended {
        // There is nothing else to wait for than to begin.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
        ended => Some(ended.and_then(|value| again.map(|()| value))),
    }
}

/// Under which number the first of some lines stands that are to be added. An error if there are none for them.
fn place(hold: &Hold, first: u64, count: usize, path: &Path) -> Result<i64, Error> {
    // There must be one for the line behind them too.
    let behind = first.checked_add(count as u64).and_then(|end| lines::id(hold.id, end));
    behind.map(|behind| behind - count as i64).ok_or_else(|| {
        let text = format!(
            "the session `{}` in `{}` is full: it has no numbers for more records. Begin a new session",
            hold.name,
            path.display()
        );
        Error::new(ErrorKind::Journal, text)
    })
}
