//! The rows of one session.

use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::{BoxFuture, Error, ErrorKind};
use tokio_postgres::types::Type;

use super::connection::{Connection, Failed, Params};
use super::take::{Hold, number, taken_over};
use crate::store::SessionLog;
use crate::store::lease::Keeper;

/// A session that this process holds.
#[derive(Debug)]
pub(super) struct PostgresLog {
    connection: Arc<Connection>,
    hold: Hold,
    state: Mutex<State>,
    _keeper: Keeper,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// Under which lines are added.
    epoch: i64,
    /// Nobody knows how the last write ended.
    in_doubt: bool,
}

impl PostgresLog {
    pub(super) fn new(connection: Arc<Connection>, hold: Hold, keeper: Keeper) -> Self {
        let state = Mutex::new(State { epoch: hold.epoch, in_doubt: false });
        Self { connection, hold, state, _keeper: keeper }
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Adds lines, if the session is still ours and has as many as we think. False if not.
    async fn add(&self, first: i64, lines: &[String]) -> Result<bool, Failed> {
        // One statement: it is done whole or not at all, in one round trip.
        let sql = self.connection.sql(
            "WITH held AS (
                 UPDATE {schema}.session SET next = $3 + cardinality($4)
                 WHERE id = $1 AND epoch = $2 AND next = $3 RETURNING id
             ), added AS (
                 INSERT INTO {schema}.line (session, seq, text)
                 SELECT held.id, $3 + given.place - 1, given.text
                 FROM held, unnest($4) WITH ORDINALITY AS given (text, place)
             )
             SELECT id FROM held",
        );
        let State { epoch, .. } = self.state();
        self.set(State { epoch, in_doubt: true });
        let held = self
            .connection
            .query_once(
                &self.hold.name,
                &sql,
                &[
                    (&self.hold.id, Type::INT8),
                    (&epoch, Type::INT8),
                    (&first, Type::INT8),
                    (&lines, Type::TEXT_ARRAY),
                ],
            )
            .await?;
        self.set(State { epoch, in_doubt: false });
        Ok(!held.is_empty())
    }

    /// Makes sure that a write of which nobody knew how it ended stays as it is, and says how many lines
    /// there are. It waits for one that is at work in the database; one that is still on its way there comes
    /// under an epoch that is over.
    async fn settle(&self) -> Result<u64, Error> {
        let sql = self.connection.sql(
            "UPDATE {schema}.session SET epoch = epoch + 1
             WHERE id = $1 AND holder = $2 RETURNING epoch, next",
        );
        let Hold { id, name, holder, .. } = &self.hold;
        let rows =
            self.connection.query(name, &sql, &[(id, Type::INT8), (holder, Type::TEXT)]).await?;
        let Some(row) = rows.first() else {
            return Err(taken_over(&self.connection, name).await);
        };
        self.set(State { epoch: row.get(0), in_doubt: false });
        number(row.get(1), &self.place())
    }

    async fn append_now(&self, first: u64, lines: Vec<String>) -> Result<(), Error> {
        let at = i64::try_from(first).map_err(|error| {
            Error::new(ErrorKind::Journal, format!("the session `{}` is full", self.place()))
                .with_source(error)
        })?;
        if self.state().in_doubt {
            let next = self.settle().await?;
            self.expect(next, first)?;
        }
        let end = first + lines.len() as u64;
        let mut tries = 3;
        loop {
            tries -= 1;
            let failed = match self.add(at, &lines).await {
                Ok(true) => return Ok(()),
                Ok(false) => None,
                Err(Failed { lost: true, error }) => Some(error),
                Err(Failed { error, .. }) => return Err(error),
            };
            let next = self.settle().await?;
            if failed.is_some() && next == end {
                return Ok(());
            }
            self.expect(next, first)?;
            match failed {
                Some(error) if tries == 0 => return Err(error),
                Some(error) => {
                    tracing::info!("{error}: the records do not count and are added again")
                }
                None => {}
            }
        }
    }

    fn expect(&self, next: u64, first: u64) -> Result<(), Error> {
        if next == first {
            return Ok(());
        }
        let text = format!(
            "the session `{}` has {next} records, where {first} were expected",
            self.place()
        );
        Err(Error::new(ErrorKind::Journal, text))
    }
}

impl SessionLog for PostgresLog {
    fn place(&self) -> String {
        self.connection.place(&self.hold.name)
    }

    fn read(&self, from: u64) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move {
            if self.state().in_doubt {
                self.settle().await?;
            }
            let sql = self.connection.sql(
                "SELECT text FROM {schema}.line WHERE session = $1 AND seq >= $2 ORDER BY seq",
            );
            let from = i64::try_from(from).unwrap_or(i64::MAX);
            let Hold { id, name, .. } = &self.hold;
            let rows =
                self.connection.query(name, &sql, &[(id, Type::INT8), (&from, Type::INT8)]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        })
    }

    fn append(&self, first: u64, lines: Vec<String>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.append_now(first, lines))
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(async move {
            let sql = self.connection.sql("SELECT text FROM {schema}.snapshot WHERE session = $1");
            let Hold { id, name, .. } = &self.hold;
            let rows = self.connection.query(name, &sql, &[(id, Type::INT8)]).await?;
            Ok(rows.first().map(|row| row.get(0)))
        })
    }

    fn put_snapshot(&self, snapshot: String) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let sql = self.connection.sql(
                "INSERT INTO {schema}.snapshot (session, text)
                 SELECT id, $3 FROM {schema}.session WHERE id = $1 AND holder = $2
                 ON CONFLICT (session) DO UPDATE SET text = excluded.text
                 RETURNING session",
            );
            let Hold { id, name, holder, .. } = &self.hold;
            let params: Params<'_> =
                &[(id, Type::INT8), (holder, Type::TEXT), (&snapshot, Type::TEXT)];
            match self.connection.query(name, &sql, params).await? {
                rows if rows.is_empty() => Err(taken_over(&self.connection, name).await),
                _ => Ok(()),
            }
        })
    }
}
