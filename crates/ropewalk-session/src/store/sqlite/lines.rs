//! The lines of all sessions, in their table. Each stands under one number, made of its session's and its own, so that
//! there is one tree of them: with an index besides, each line that is added would be written to two pages.

use rusqlite::Connection;

/// How many numbers a session has.
const NUMBERS: i64 = 1 << 32;

/// Under which number a line stands. None if there is no such number: a session has some four billion of them, and
/// half as many sessions have any.
pub(super) fn id(session: i64, seq: u64) -> Option<i64> {
    let (session, seq) = (i32::try_from(session).ok()?, u32::try_from(seq).ok()?);
    Some(i64::from(session) * NUMBERS + i64::from(seq))
}

/// The number of the line behind the last one.
pub(super) fn end(connection: &Connection, session: i64) -> rusqlite::Result<u64> {
    let Some(first) = id(session, 0) else { return Ok(0) };
    let last: Option<i64> = connection.query_row(
        "SELECT max(id) FROM line WHERE id BETWEEN ?1 AND ?2",
        [first, first + (NUMBERS - 1)],
        |row| row.get(0),
    )?;
    Ok(last.map_or(0, |last| (last - first).unsigned_abs() + 1))
}

/// Adds lines, of which the first stands under a number that is free.
pub(super) fn add(connection: &Connection, first: i64, lines: &[String]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO line (id, text) VALUES (?1, ?2)")?;
    for (line, id) in lines.iter().zip(first..) {
        insert.execute((id, line))?;
    }
    Ok(())
}

/// The lines of a session from one on.
pub(super) fn read(
    connection: &Connection,
    session: i64,
    from: u64,
) -> rusqlite::Result<Vec<String>> {
    let (Some(first), Some(from)) = (id(session, 0), id(session, from)) else {
        return Ok(Vec::new());
    };
    connection
        .prepare_cached("SELECT text FROM line WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?
        .query_map([from, first + (NUMBERS - 1)], |row| row.get(0))?
        .collect()
}
