//! Calls that ran at the provider, and their results: the interface refuses one without the other.

use std::collections::{BTreeSet, HashMap, HashSet};

use ropewalk_core::{ContentBlock, Message, Role, Transcript};
use serde_json::{Map, Value};

use super::OWN;

/// A block of the interface's own that has a part in such a call.
enum Part<'a> {
    Call(&'a str),
    Result(&'a str),
}

fn part(block: &Map<String, Value>) -> Option<Part<'_>> {
    let own = block.get(OWN)?;
    let text = |key: &str| own.get(key).and_then(Value::as_str);
    match text("tool_use_id") {
        Some(id) => Some(Part::Result(id)),
        None if text("type")?.ends_with("_tool_use") => text("id").map(Part::Call),
        None => None,
    }
}

fn parts(message: &Message) -> impl Iterator<Item = Part<'_>> {
    message.content.iter().filter_map(|block| match block {
        ContentBlock::Unknown(block) => part(block),
        _ => None,
    })
}

/// The ids of calls that are whole.
pub(super) type Whole<'a> = HashSet<&'a str>;

/// Those that have both halves in this message.
pub(super) fn whole_in(message: &Message) -> Whole<'_> {
    let (mut calls, mut results) = (Whole::new(), Whole::new());
    for part in parts(message) {
        match part {
            Part::Call(id) => calls.insert(id),
            Part::Result(id) => results.insert(id),
        };
    }
    calls.intersection(&results).copied().collect()
}

/// Whether a block is half of a call that is not whole.
pub(super) fn is_half(block: &Map<String, Value>, whole: &Whole<'_>) -> bool {
    match part(block) {
        Some(Part::Call(id) | Part::Result(id)) => !whole.contains(id),
        None => false,
    }
}

/// Calls that are whole only with a look at other messages: their result came in a later one, or is still to come.
/// And the places of the messages that hold a half of them.
pub(super) fn across(messages: &Transcript) -> (Whole<'_>, BTreeSet<usize>) {
    let (mut calls, mut results) = (HashMap::new(), HashMap::new());
    for (at, message) in messages.iter().enumerate() {
        for part in parts(message) {
            match part {
                Part::Call(id) => calls.insert(id, at),
                Part::Result(id) => results.insert(id, at),
            };
        }
    }
    let (mut whole, mut places) = (Whole::new(), BTreeSet::new());
    for (id, at) in calls {
        match results.get(id) {
            Some(result) if *result == at => {}
            Some(result) if *result > at => {
                whole.insert(id);
                places.extend([at, *result]);
            }
            None if goes_on(messages, at) => {
                whole.insert(id);
                places.insert(at);
            }
            _ => {}
        }
    }
    (whole, places)
}

/// Whether the model goes on from this message: it is the last, or only results of its calls follow.
fn goes_on(messages: &Transcript, at: usize) -> bool {
    let mut after = messages.iter().skip(at + 1);
    match (after.next(), after.next()) {
        (None, _) => true,
        (Some(next), None) => next.role == Role::User && next.results().next().is_some(),
        _ => false,
    }
}
