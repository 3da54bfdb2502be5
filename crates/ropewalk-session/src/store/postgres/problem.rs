//! What the database reports, in words that say what to do.

use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

/// A statement failed.
pub(super) fn failed(place: &str, error: tokio_postgres::Error) -> Error {
    let text = match error.as_db_error() {
        Some(reported) => format!(
            "the session `{place}`: {} ({}, {})",
            advice(reported.code()),
            reported.message(),
            reported.code().code()
        ),
        None => {
            format!("the session `{place}`: the connection to the database broke off ({error})")
        }
    };
    Error::new(ErrorKind::Journal, text).with_source(error)
}

/// Whether the connection broke off with it. A database that answers with another error has not done the
/// statement.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    let going = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    error.code().is_none_or(|code| going.contains(code))
}

/// No connection could be made.
pub(super) fn unreachable(place: &str, error: tokio_postgres::Error) -> Error {
    let text = match error.as_db_error() {
        Some(reported) => format!(
            "{place} refuses the connection: {} ({}, {})",
            advice(reported.code()),
            reported.message(),
            reported.code().code()
        ),
        None => {
            let advice = if !cfg!(feature = "postgres-tls") {
                "is it running, and is the address right? TLS needs the feature `postgres-tls`"
            } else if with_cause(&error).contains("certificate") {
                "name a file with the certificate of the server's authority in SSL_CERT_FILE, or write `?sslmode=disable` behind the address where the network is your own"
            } else {
                "is it running, and is the address right?"
            };
            format!("{place} can't be reached: {advice} ({})", with_cause(&error))
        }
    };
    Error::new(ErrorKind::Journal, text).with_source(error)
}

/// The database took too long.
pub(super) fn slow(place: &str, patience: Duration) -> Error {
    let text = format!(
        "{place} did not answer within {} s: the connection was given up",
        patience.as_secs()
    );
    Error::new(ErrorKind::Journal, text)
}

fn with_cause(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn advice(code: &SqlState) -> &'static str {
    if *code == SqlState::DISK_FULL {
        "the server's disk is full, nothing was added"
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        "the user lacks a right; grant it, or let somebody who has it connect first, to make the tables"
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        "the server takes no writes; connect to the primary"
    } else if *code == SqlState::INVALID_PASSWORD
        || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
    {
        "look at user and password"
    } else if *code == SqlState::INVALID_CATALOG_NAME {
        "there is no such database; create it"
    } else if *code == SqlState::TOO_MANY_CONNECTIONS {
        "it has too many connections; wait, or raise its limit"
    } else {
        "the database reports an error"
    }
}
