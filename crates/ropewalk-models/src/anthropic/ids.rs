//! Ids of tool calls, which the interface wants to be unique in the whole conversation.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use ropewalk_core::Transcript;

use crate::render::{IdRule, word};

const IDS: IdRule = IdRule { longest: 64, takes: word, is_exact: false };

/// The ids of one message's calls, or of their results.
#[derive(Debug, Default)]
pub(super) struct Ids<'a> {
    /// Where the calls stand, if another message has calls of the same ids.
    calls_at: Option<usize>,
    given: Vec<&'a str>,
}

impl<'a> Ids<'a> {
    /// Those of calls in the message at this place, which repeat ids of earlier ones.
    pub(super) fn again(calls_at: usize) -> Self {
        Self { calls_at: Some(calls_at), given: Vec::new() }
    }

    /// The id as it is sent: the same for a call and its result.
    pub(super) fn next(&mut self, given: &'a str) -> Cow<'a, str> {
        let before = self.given.iter().filter(|other| **other == given).count();
        self.given.push(given);
        match (self.calls_at, before) {
            (None, 0) => IDS.fit(given),
            // The point makes it one that is hashed.
            (at, _) => {
                let own = format!("{given}.{}.{before}", at.unwrap_or_default());
                Cow::Owned(IDS.fit(&own).into_owned())
            }
        }
    }
}

/// The places of messages with calls whose ids stood in messages before them: some providers number the calls of each
/// answer anew.
pub(super) fn repeated(messages: &Transcript) -> BTreeSet<usize> {
    let mut last_at = HashMap::new();
    let mut repeated = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        for call in message.tool_uses() {
            let before = last_at.insert(call.tool_use_id.as_str(), at);
            if before.is_some_and(|before| before != at) {
                repeated.insert(at);
            }
        }
    }
    repeated
}
