//! The connection: one for all sessions, made anew when it is lost.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};

use super::problem;

/// How long the database may take to connect.
const CONNECTING: Duration = Duration::from_secs(10);

/// How long it may take for one statement. A connection that takes longer counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long one waits before trying again where there is no connection: a server that starts anew is back
/// within seconds.
const PAUSES: [Duration; 4] =
    [Duration::ZERO, Duration::from_millis(250), Duration::from_secs(1), Duration::from_secs(3)];

/// What a statement is given, with the types: it needs no round trip to ask for them.
pub(super) type Params<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

pub(super) struct Connection {
    config: Config,
    schema: String,
    client: Mutex<Option<Arc<Client>>>,
}

/// A statement that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: Error,
    /// There was no connection, or it broke off: nobody knows whether the statement was done.
    pub(super) lost: bool,
}

impl Connection {
    pub(super) fn new(url: &str, schema: &str) -> Result<Self, Error> {
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            let text = format!(
                "the URL of the database can't be read ({error}): write `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
            );
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECTING);
        }
        if config.get_application_name().is_none() {
            config.application_name("ropewalk");
        }
        check_schema(schema)?;
        Ok(Self { config, schema: schema.to_owned(), client: Mutex::default() })
    }

    /// Puts the schema's name in its place. It was checked, so that it needs no quoting.
    pub(super) fn sql(&self, text: &str) -> String {
        text.replace("{schema}", &self.schema)
    }

    /// Where a session lies, for people.
    pub(super) fn place(&self, name: &str) -> String {
        format!("{name} in {self}")
    }

    /// The rows of a statement that may be done twice: it is done again for some seconds as long as there is
    /// no connection.
    pub(super) async fn query(
        &self,
        name: &str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Error> {
        let mut pauses = PAUSES.iter();
        loop {
            match self.query_once(name, sql, params).await {
                Ok(rows) => return Ok(rows),
                Err(Failed { error, lost }) => match pauses.next() {
                    Some(pause) if lost => tokio::time::sleep(*pause).await,
                    _ => return Err(error),
                },
            }
        }
    }

    /// The rows of a statement.
    pub(super) async fn query_once(
        &self,
        name: &str,
        sql: &str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, Failed> {
        let client = self.client().await?;
        let error = match timeout(PATIENCE, client.query_typed(sql, params)).await {
            Ok(Ok(rows)) => return Ok(rows),
            Ok(Err(error)) => error,
            Err(_) => {
                self.give_up(&client).await;
                return Err(Failed {
                    error: problem::slow(&self.place(name), PATIENCE),
                    lost: true,
                });
            }
        };
        let lost = client.is_closed() || problem::is_lost(&error);
        if lost {
            self.give_up(&client).await;
        }
        Err(Failed { error: problem::failed(&self.place(name), error), lost })
    }

    /// Does several statements as one.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        let client = self.client().await.map_err(|failed| failed.error)?;
        client.batch_execute(sql).await.map_err(|error| problem::failed(&self.to_string(), error))
    }

    /// Connects, if there is no connection.
    pub(super) async fn check(&self) -> Result<(), Error> {
        self.client().await.map(drop).map_err(|failed| failed.error)
    }

    async fn client(&self) -> Result<Arc<Client>, Failed> {
        if Handle::try_current().is_err() {
            let text = "sessions in PostgreSQL need a Tokio runtime: call this inside of one";
            return Err(Failed { error: Error::new(ErrorKind::Unsupported, text), lost: false });
        }
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let client = self.connect().await.map_err(|error| Failed { error, lost: true })?;
        Ok(Arc::clone(slot.insert(Arc::new(client))))
    }

    /// Lets nobody use this client again.
    async fn give_up(&self, client: &Arc<Client>) {
        let mut slot = self.client.lock().await;
        if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, client)) {
            *slot = None;
        }
    }

    #[cfg(not(feature = "postgres-tls"))]
    async fn connect(&self) -> Result<Client, Error> {
        self.connect_with(tokio_postgres::NoTls).await
    }

    #[cfg(feature = "postgres-tls")]
    async fn connect(&self) -> Result<Client, Error> {
        let tls = crate::store::tls::config(&self.to_string())?;
        self.connect_with(tokio_postgres_rustls::MakeRustlsConnect::new(tls)).await
    }

    async fn connect_with<T>(&self, tls: T) -> Result<Client, Error>
    where
        T: tokio_postgres::tls::MakeTlsConnect<tokio_postgres::Socket>,
        T::Stream: Send + 'static,
    {
        let connected = timeout(PATIENCE, self.config.connect(tls)).await;
        let (client, connection) = connected
            .map_err(|_| problem::slow(&self.to_string(), PATIENCE))?
            .map_err(|error| problem::unreachable(&self.to_string(), error))?;
        let place = self.to_string();
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!("the connection to {place} broke off: {error}");
            }
        });
        Ok(client)
    }
}

/// The database as people may see it: without the password.
impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = match self.config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(Host::Unix(path)) => path.display().to_string(),
            None => String::new(),
        };
        write!(f, "postgres://{host}")?;
        if let Some(port) = self.config.get_ports().first() {
            write!(f, ":{port}")?;
        }
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        write!(f, "/{database} (schema {})", self.schema)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({self})")
    }
}

fn check_schema(schema: &str) -> Result<(), Error> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = schema.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts && schema.len() <= 63 && schema.bytes().all(fine) {
        return Ok(());
    }
    let text = format!(
        "the schema `{schema}` has another name than lower-case letters, digits and `_`, not beginning with a digit, 63 at most"
    );
    Err(Error::new(ErrorKind::InvalidInput, text))
}
