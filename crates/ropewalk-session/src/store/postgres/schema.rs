//! The tables.

use ropewalk_core::{Error, ErrorKind};
use tokio_postgres::types::Type;

use super::connection::Connection;

/// The number of the tables' form.
const VERSION: i32 = 1;

/// One transaction: of those who begin at the same time, one makes the tables and the others wait for it.
const TABLES: &str = "
    SELECT pg_advisory_xact_lock(hashtext('ropewalk'), hashtext('{schema}'));
    CREATE SCHEMA IF NOT EXISTS {schema};
    CREATE TABLE IF NOT EXISTS {schema}.session (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text COLLATE \"C\" NOT NULL UNIQUE,
        header text NOT NULL,
        -- Counts its writers: only the last of them adds lines.
        epoch bigint NOT NULL DEFAULT 0,
        holder text,
        lease_until timestamptz,
        -- The number of the next line.
        next bigint NOT NULL DEFAULT 0
    );
    CREATE TABLE IF NOT EXISTS {schema}.line (
        session bigint NOT NULL REFERENCES {schema}.session ON DELETE CASCADE,
        seq bigint NOT NULL,
        text text NOT NULL,
        PRIMARY KEY (session, seq)
    );
    CREATE TABLE IF NOT EXISTS {schema}.snapshot (
        session bigint PRIMARY KEY REFERENCES {schema}.session ON DELETE CASCADE,
        text text NOT NULL
    );
    CREATE TABLE IF NOT EXISTS {schema}.version (number int NOT NULL);
    INSERT INTO {schema}.version SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {schema}.version);
";

/// Sees to it that the tables are there, and are of a form that is known.
pub(super) async fn prepare(connection: &Connection) -> Result<(), Error> {
    // An address that is wrong is not tried again and again.
    connection.check().await?;
    let table = connection.sql("{schema}.version");
    let exists = "SELECT to_regclass($1) IS NOT NULL";
    let rows = connection.query("*", exists, &[(&table, Type::TEXT)]).await?;
    if !rows.first().is_some_and(|row| row.get(0)) {
        connection.batch(&connection.sql(TABLES)).await?;
    }
    let sql = connection.sql("SELECT max(number) FROM {schema}.version");
    let rows = connection.query("*", &sql, &[]).await?;
    match rows.first().and_then(|row| row.get::<_, Option<i32>>(0)) {
        Some(version) if version > VERSION => {
            let text = format!(
                "the tables in {connection} are of version {version}, and this version of Ropewalk knows those up to {VERSION}: use a newer one"
            );
            Err(Error::new(ErrorKind::Unsupported, text))
        }
        _ => Ok(()),
    }
}
