//! Each message a row.

use std::path::{Path, PathBuf};

use bench_common::{Arguments, Failure, Keeping};
use rusqlite::Connection;

use crate::message::{Kept, Message, Place};

/// A database, with its log beside it.
pub(crate) struct Rows(PathBuf);

impl Rows {
    fn connect(&self, synced: bool) -> Result<Connection, Failure> {
        let connection = Connection::open(&self.0)?;
        let synchronous = if synced { "FULL" } else { "NORMAL" };
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
            CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY, text TEXT NOT NULL);"
        ))?;
        Ok(connection)
    }
}

impl Keeping for Rows {
    type Kept = Kept<Connection>;
    type Opened = Opened;

    fn at(folder: &Path, _: &Arguments) -> Result<Self, Failure> {
        Ok(Self(folder.join("s.db")))
    }

    async fn keep(&self, synced: bool) -> Result<Kept<Connection>, Failure> {
        let connection = self.connect(synced)?;
        let messages =
            connection.query_row("SELECT count(*) FROM message", [], |row| row.get(0))?;
        Ok(Kept::new(connection, messages))
    }

    async fn open(&self, synced: bool) -> Result<Opened, Failure> {
        let connection = self.connect(synced)?;
        let mut messages: Vec<Message> = Vec::new();
        {
            let mut all = connection.prepare("SELECT text FROM message ORDER BY id")?;
            let mut rows = all.query([])?;
            while let Some(row) = rows.next()? {
                messages.push(serde_json::from_str(row.get_ref(0)?.as_str()?)?);
            }
        }
        Ok(Opened { messages, _connection: connection })
    }

    fn messages(opened: &Opened) -> usize {
        opened.messages.len()
    }
}

/// All messages. The database stays open, for those that come.
pub(crate) struct Opened {
    messages: Vec<Message>,
    _connection: Connection,
}

/// Each row in a transaction of its own.
impl Place for Connection {
    fn add(&mut self, message: &Message) -> Result<(), Failure> {
        let mut insert = self.prepare_cached("INSERT INTO message (text) VALUES (?1)")?;
        insert.execute([serde_json::to_string(message)?])?;
        Ok(())
    }
}
