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

/// The last line of a session.
pub(super) struct Last {
    pub(super) seq: u64,
    /// Whether it is the one that was written last: none is missing behind it or right before it, nor did somebody else
    /// write it. (Not found is a page of the database that is whole, but as it was earlier.)
    pub(super) written_last: bool,
}

/// The last line of a session, if it has any.
pub(super) fn last(connection: &Connection, session: i64) -> rusqlite::Result<Option<Last>> {
    let Some(first) = id(session, 0) else { return Ok(None) };
    let mut lines = connection
        .prepare("SELECT id, last FROM line WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 2")?;
    let mut lines = lines.query_map([first, first + (NUMBERS - 1)], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
    })?;
    let Some((id, marked)) = lines.next().transpose()? else { return Ok(None) };
    let before = lines.next().transpose()?;
    let follows = if id == first { before.is_none() } else { before == Some((id - 1, false)) };
    Ok(Some(Last { seq: (id - first).unsigned_abs(), written_last: marked && follows }))
}

/// Adds lines, of which the first stands under this number: behind the one that is the last so far, or as the first of
/// their session. False, and what was done must not stay, if the last one stands elsewhere, or somebody else has the
/// session.
///
/// Which line is the last stands beside it, so that as a rule one page is written, and not that of the session besides.
pub(super) fn add(
    connection: &Connection,
    first: i64,
    lines: &[String],
    epoch: i64,
) -> rusqlite::Result<bool> {
    if lines.is_empty() {
        return Ok(true);
    }
    let behind = if first % NUMBERS == 0 {
        "UPDATE session SET begun = 1 WHERE id = ?1 >> 32 AND NOT begun"
    } else {
        "UPDATE line SET last = 0 WHERE id = ?1 - 1 AND last"
    };
    if connection.prepare_cached(behind)?.execute([first])? == 0 {
        return Ok(false);
    }
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO line (id, text, last)
         SELECT ?1, ?2, ?3 FROM session WHERE id = ?1 >> 32 AND epoch = ?4",
    )?;
    for (at, (line, id)) in lines.iter().zip(first..).enumerate() {
        if insert.execute((id, line, at + 1 == lines.len(), epoch))? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
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
