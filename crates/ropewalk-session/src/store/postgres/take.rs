//! Taking a session, holding it, giving it back.

use std::sync::Arc;
use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use tokio_postgres::types::Type;

use super::connection::{Connection, Params};
use crate::store::lease::{self, Lease};

/// What makes somebody the writer of a session: it stands in the session's row, and nobody else's does.
#[derive(Clone, Debug)]
pub(super) struct Hold {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) holder: String,
    pub(super) epoch: i64,
}

/// A session that was taken.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) hold: Hold,
    pub(super) lease: RowLease,
    pub(super) header: String,
    pub(super) next: u64,
}

/// Takes a session that nobody holds, and begins it if there is none.
pub(super) async fn take(
    connection: &Arc<Connection>,
    name: &str,
    header: &str,
    lease: Duration,
) -> Result<Taken, Error> {
    let begin = connection.sql(
        "INSERT INTO {schema}.session (name, header) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
    );
    // That it may be ours already lets this be done again when the connection breaks off.
    let take = connection.sql(
        "UPDATE {schema}.session
         SET epoch = epoch + 1, holder = $2,
             lease_until = clock_timestamp() + make_interval(secs => $3)
         WHERE name = $1
           AND (holder IS NULL OR holder = $2 OR lease_until <= clock_timestamp())
         RETURNING id, epoch, header, next",
    );
    let (holder, secs) = (lease::holder(), lease.as_secs_f64());
    loop {
        connection.query(name, &begin, &[(&name, Type::TEXT), (&header, Type::TEXT)]).await?;
        let params: Params<'_> =
            &[(&name, Type::TEXT), (&holder, Type::TEXT), (&secs, Type::FLOAT8)];
        let rows = connection.query(name, &take, params).await?;
        if let Some(row) = rows.first() {
            let hold = Hold { id: row.get(0), name: name.to_owned(), holder, epoch: row.get(1) };
            let row_lease =
                RowLease { connection: Arc::clone(connection), hold: hold.clone(), secs };
            let next = number(row.get(3), &connection.place(name))?;
            return Ok(Taken { hold, lease: row_lease, header: row.get(2), next });
        }
        if let Some((holder, left)) = holder_of(connection, name).await? {
            return Err(lease::in_use(&connection.place(name), &holder, left));
        }
        // It was given back, or removed, just now.
    }
}

/// Removes a session that nobody holds.
pub(super) async fn remove(connection: &Connection, name: &str) -> Result<bool, Error> {
    // Its lines and its snapshot go with it.
    let sql = connection.sql(
        "DELETE FROM {schema}.session
         WHERE name = $1 AND (holder IS NULL OR lease_until <= clock_timestamp())
         RETURNING id",
    );
    let removed = connection.query(name, &sql, &[(&name, Type::TEXT)]).await?;
    if !removed.is_empty() {
        return Ok(true);
    }
    match holder_of(connection, name).await? {
        Some((holder, left)) => Err(lease::in_use(&connection.place(name), &holder, left)),
        None => Ok(false),
    }
}

/// Who holds a session, and for how long.
async fn holder_of(
    connection: &Connection,
    name: &str,
) -> Result<Option<(String, Duration)>, Error> {
    let sql = connection.sql(
        "SELECT holder, extract(epoch FROM lease_until - clock_timestamp())::float8
         FROM {schema}.session WHERE name = $1 AND holder IS NOT NULL",
    );
    let rows = connection.query(name, &sql, &[(&name, Type::TEXT)]).await?;
    Ok(rows.first().map(|row| {
        let left = row.get::<_, Option<f64>>(1).unwrap_or_default();
        (row.get(0), Duration::try_from_secs_f64(left).unwrap_or_default())
    }))
}

/// That somebody else has a session now.
pub(super) async fn taken_over(connection: &Connection, name: &str) -> Error {
    let holder = match holder_of(connection, name).await {
        Ok(holder) => holder.map(|(holder, _)| holder),
        // It is only for the message.
        Err(_) => None,
    };
    lease::taken_over(&connection.place(name), holder.as_deref())
}

pub(super) fn number(number: i64, place: &str) -> Result<u64, Error> {
    u64::try_from(number).map_err(|error| {
        let text = format!("the session `{place}` is damaged: it has {number} records");
        Error::new(ErrorKind::Journal, text).with_source(error)
    })
}

/// The lease in a session's row.
#[derive(Debug)]
pub(super) struct RowLease {
    connection: Arc<Connection>,
    hold: Hold,
    secs: f64,
}

impl Lease for RowLease {
    async fn renew(&mut self) -> Result<bool, Error> {
        let Self { connection, hold, secs } = self;
        let sql = connection.sql(
            "UPDATE {schema}.session
             SET lease_until = clock_timestamp() + make_interval(secs => $3)
             WHERE id = $1 AND holder = $2 RETURNING id",
        );
        let params: Params<'_> =
            &[(&hold.id, Type::INT8), (&hold.holder, Type::TEXT), (secs, Type::FLOAT8)];
        Ok(!connection.query(&hold.name, &sql, params).await?.is_empty())
    }

    async fn release(&mut self) -> Result<(), Error> {
        let Self { connection, hold, .. } = self;
        let sql = connection.sql(
            "UPDATE {schema}.session SET holder = NULL, lease_until = NULL
             WHERE id = $1 AND holder = $2",
        );
        let params: Params<'_> = &[(&hold.id, Type::INT8), (&hold.holder, Type::TEXT)];
        connection.query(&hold.name, &sql, params).await.map(drop)
    }
}
