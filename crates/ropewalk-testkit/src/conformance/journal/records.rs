//! Records that make a run, and words for what was not as expected.

use std::fmt::Debug;

use ropewalk_core::{Error, Journal, Message, Record, Run, Usage};
use serde_json::Value;

/// A prompt, which begins an invocation.
pub(super) fn prompt(text: &str) -> Record {
    Record::InvocationStarted { messages: vec![Message::user(text)], state: Default::default() }
}

/// An invocation that was cancelled at once: three records.
pub(super) fn turn(text: &str) -> Vec<Record> {
    let cancelled =
        Record::Cancelled { text: "enough".into(), last_word: None, usage: Usage::default() };
    vec![prompt(text), cancelled, Record::InvocationEnded]
}

/// A change of the agent's state, which fits a run wherever it comes.
pub(super) fn note(text: &str) -> Record {
    let set = [("note".to_owned(), text.into())].into_iter().collect();
    Record::AgentStateChanged { set, deleted: Vec::new(), keep: true }
}

/// The text of a note.
pub(super) fn text(record: &Record) -> String {
    match record {
        Record::AgentStateChanged { set, .. } => {
            set.get("note").and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        _ => String::new(),
    }
}

/// What failed, and how.
pub(super) fn works<T>(what: &str, ended: Result<T, Error>) -> Result<T, String> {
    ended.map_err(|error| format!("{what} fails: {}", error.report()))
}

pub(super) fn same<T: PartialEq + Debug>(what: &str, seen: &T, expected: &T) -> Result<(), String> {
    if seen == expected {
        return Ok(());
    }
    Err(format!("{what} is {}, where {} was expected", short(seen), short(expected)))
}

/// The records of a journal are these.
pub(super) async fn holds(journal: &impl Journal, expected: &[Record]) -> Result<(), String> {
    let records = works("loading", journal.load().await)?;
    if records.len() != expected.len() {
        return Err(format!("{} records, where {} were added", records.len(), expected.len()));
    }
    let differ = records.iter().zip(expected).position(|(seen, given)| seen != given);
    differ.map_or(Ok(()), |at| same(&format!("record {at}"), &records[at], &expected[at]))
}

/// The run that a journal restores is what its records make.
pub(super) async fn restores(journal: &impl Journal, records: &[Record]) -> Result<Run, String> {
    let run = works("restoring", journal.restore().await)?;
    let replayed = works("replaying", Run::new(journal.run_id()).replay(records.to_vec()))?;
    same("the restored run", &run, &replayed)?;
    Ok(run)
}

fn short(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
