//! Writing one of several texts: the model's likeliest of those allowed.

use crate::engine::{Engine, Session};
use crate::error::Result;

/// Writes, after what the session holds, a space, one of `candidates`, and a line end. The answer is the place of
/// the one written; the session then stands behind the line end.
pub(super) fn write_one(session: &mut Session<'_>, candidates: &[String]) -> Result<Option<usize>> {
    let lines: Vec<Vec<u8>> = candidates.iter().map(|c| format!(" {c}\n").into_bytes()).collect();
    session.write_among(&lines)
}

/// Writes freely up to the end of the line, but nothing that begins with one of `not_starting`.
pub(super) fn write_line(
    engine: &Engine,
    session: &mut Session<'_>,
    most: usize,
    not_starting: &[String],
) -> Result<String> {
    let mut written = Vec::new();
    for _ in 0..most {
        let starts = |token: u32| {
            let mut text = written.clone();
            text.extend(engine.vocabulary.bytes(token));
            let text = String::from_utf8_lossy(&text).trim_start().to_owned();
            not_starting.iter().any(|start| !start.is_empty() && text.starts_with(start.as_str()))
        };
        let Some(token) = session.best_where(|token| !starts(token)) else { break };
        let bytes = engine.vocabulary.bytes(token);
        if engine.vocabulary.is_stop(token) || bytes.contains(&b'\n') {
            break;
        }
        session.push(&[token])?;
        written.extend(bytes);
    }
    session.push(&engine.vocabulary.encode("\n"))?;
    Ok(String::from_utf8_lossy(&written).trim().to_owned())
}
