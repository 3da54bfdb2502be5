//! Sessions in PostgreSQL.

mod connection;
mod log;
mod problem;
mod schema;
mod take;

use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{BoxFuture, Error};
use tokio_postgres::types::Type;

use super::lease::{self, Keepers, LEASE};
use super::{Opened, SessionStore, Stored};
use connection::Connection;
use log::PostgresLog;

/// Sessions in a PostgreSQL database, for processes on many hosts. Clones share one connection, which is
/// made anew when it is lost.
///
/// Whoever opens a session holds it under a *lease* of 30 s by the database's clock, which is renewed as long
/// as the session is open and given back when it is dropped (see [`Sessions::released`]). Others are told who
/// has it and for how long. When a lease has ended, because its process was killed or cut off, the next one
/// takes the session over; should the old one live on, its next append is refused, in the very statement that
/// would have added it. Of an append whose connection broke off it is found out whether it counts; it is never
/// made twice.
///
/// The tables lie in a schema of their own and are made on first use; that needs the right to create a schema,
/// using them does not.
///
/// ```no_run
/// use ropewalk_session::{PostgresStore, Sessions};
///
/// # async fn example() -> Result<(), ropewalk_core::Error> {
/// let store = PostgresStore::connect("postgres://ada@localhost/agents").await?;
/// let session = Sessions::new(store).session("ada").await?;
/// # Ok(()) }
/// ```
///
/// [`Sessions::released`]: crate::Sessions::released
#[derive(Clone, Debug)]
pub struct PostgresStore {
    connection: Arc<Connection>,
    keepers: Arc<Keepers>,
    lease: Duration,
}

impl PostgresStore {
    /// Connects to a database, by its URL (`postgres://USER:PASSWORD@HOST:PORT/DATABASE`) or as
    /// `host=… user=… dbname=…`, and makes the tables in the schema `ropewalk` if they are not there. TLS needs
    /// the feature `postgres-tls`; it is then used where the server offers it, unless `?sslmode=disable` stands
    /// behind the URL, and the server's certificate is checked (SSL_CERT_FILE names authorities of one's own).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) for a URL that is none.
    /// [`ErrorKind::Journal`](ropewalk_core::ErrorKind::Journal) if the database can't be reached, refuses
    /// the user or the making of the tables. [`ErrorKind::Unsupported`](ropewalk_core::ErrorKind::Unsupported) if
    /// a newer version made the tables, or outside of a Tokio runtime.
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::connect_in(url, "ropewalk").await
    }

    /// The same with the tables in another schema: lower-case letters, digits and `_`, not beginning with a
    /// digit, 63 at most.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub async fn connect_in(url: &str, schema: &str) -> Result<Self, Error> {
        let connection = Connection::new(url, schema)?;
        schema::prepare(&connection).await?;
        Ok(Self { connection: Arc::new(connection), keepers: Arc::default(), lease: LEASE })
    }

    /// How long a session is held without a word of its holder: 30 s without this. Shorter means that a session
    /// of a killed process is free sooner, and that one whose network is slow is lost sooner.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](ropewalk_core::ErrorKind::InvalidInput) for less than a second.
    pub fn lease(self, lease: Duration) -> Result<Self, Error> {
        Ok(Self { lease: lease::check(lease)?, ..self })
    }
}

impl SessionStore for PostgresStore {
    fn place(&self) -> String {
        self.connection.to_string()
    }

    fn open<'a>(&'a self, name: &'a str, header: &'a str) -> BoxFuture<'a, Result<Opened, Error>> {
        Box::pin(async move {
            let Self { connection, keepers, lease } = self;
            if !keepers.free(name).await {
                return Err(lease::open_here(&connection.place(name)));
            }
            let taken = take::take(connection, name, header, *lease).await?;
            let keeper = keepers.keep(name, *lease / 3, taken.lease);
            let log = PostgresLog::new(Arc::clone(connection), taken.hold, keeper);
            Ok(Opened {
                header: taken.header,
                next: taken.next,
                log: Box::new(log),
                repaired: None,
            })
        })
    }

    fn read<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Stored>, Error>> {
        Box::pin(async move {
            // One statement sees one moment.
            let sql = self.connection.sql(
                "SELECT session.header, line.text FROM {schema}.session
                 LEFT JOIN {schema}.line ON line.session = session.id
                 WHERE session.name = $1 ORDER BY line.seq",
            );
            let rows = self.connection.query(name, &sql, &[(&name, Type::TEXT)]).await?;
            let Some(first) = rows.first() else { return Ok(None) };
            let header = first.get(0);
            let lines = rows.iter().filter_map(|row| row.get::<_, Option<String>>(1)).collect();
            Ok(Some(Stored { header, lines }))
        })
    }

    fn names(&self) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        Box::pin(async move {
            let sql = self.connection.sql("SELECT name FROM {schema}.session ORDER BY name");
            let rows = self.connection.query("*", &sql, &[]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        })
    }

    fn remove<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let Self { connection, keepers, .. } = self;
            if !keepers.free(name).await {
                return Err(lease::open_here(&connection.place(name)));
            }
            take::remove(connection, name).await
        })
    }

    fn released(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.keepers.released())
    }
}
