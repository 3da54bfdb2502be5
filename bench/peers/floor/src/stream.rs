//! The events of an answer.

use std::borrow::Cow;

use bench_common::Failure;
use memchr::memmem;
use serde::Deserialize;

use crate::message::Call;

/// What the model has said so far.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) calls: Vec<Call>,
}

/// Reads events as they come.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) said: Said,
    /// The beginning of an event whose end has not come.
    rest: Vec<u8>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool_calls: Vec<CallPiece<'a>>,
}

#[derive(Deserialize)]
struct CallPiece<'a> {
    index: usize,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    function: FunctionPiece<'a>,
}

#[derive(Deserialize)]
struct FunctionPiece<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<Cow<'a, str>>,
}

impl Reader {
    /// Takes what came, which may end anywhere; `each` is called with each piece of text.
    pub(crate) fn take(&mut self, came: &[u8], each: &mut impl FnMut(&str)) -> Result<(), Failure> {
        let mut joined = std::mem::take(&mut self.rest);
        // As a rule events come whole, and nothing is copied.
        let data = if joined.is_empty() {
            came
        } else {
            joined.extend_from_slice(came);
            &joined
        };
        let mut at = 0;
        while let Some(length) = memmem::find(&data[at..], b"\n\n") {
            if let Some(json) = data[at..at + length].strip_prefix(b"data: ")
                && json != b"[DONE]"
            {
                self.said.event(json, each)?;
            }
            at += length + 2;
        }
        self.rest = data[at..].to_vec();
        Ok(())
    }
}

impl Said {
    fn event(&mut self, json: &[u8], each: &mut impl FnMut(&str)) -> Result<(), Failure> {
        let chunk: Chunk<'_> = serde_json::from_slice(json)?;
        let Some(Choice { delta }) = chunk.choices.into_iter().next() else { return Ok(()) };
        if let Some(text) = delta.content.filter(|text| !text.is_empty()) {
            each(&text);
            self.text.push_str(&text);
        }
        for piece in delta.tool_calls {
            if self.calls.len() <= piece.index {
                self.calls.resize_with(piece.index + 1, Call::default);
            }
            let call = &mut self.calls[piece.index];
            if let Some(id) = piece.id {
                call.id = id.into_owned();
            }
            if let Some(name) = piece.function.name {
                call.function.name = name.into_owned();
            }
            if let Some(arguments) = piece.function.arguments {
                call.function.arguments.push_str(&arguments);
            }
        }
        Ok(())
    }
}
