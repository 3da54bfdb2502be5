//! What a message is made of. It is written as it is, without a tree of JSON in between, and lends what it says.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A part of a message.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Text(TextPart<'a>),
    /// Anything else, as it is sent.
    Other(Value),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "text")]
pub(super) struct TextPart<'a> {
    text: Cow<'a, str>,
}

impl<'a> Part<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(TextPart { text: text.into() })
    }

    /// Whether it is a text that says nothing.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(part) if part.text.trim().is_empty())
    }
}

/// What a message says.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Nothing,
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

impl<'a> From<Vec<Part<'a>>> for Content<'a> {
    /// One text stands by itself, which every server understands; anything else is a list.
    fn from(mut parts: Vec<Part<'a>>) -> Self {
        match parts.pop() {
            None => Self::Nothing,
            Some(Part::Text(part)) if parts.is_empty() => Self::Text(part.text),
            Some(last) => {
                parts.push(last);
                Self::Parts(parts)
            }
        }
    }
}

/// A message with nothing but a role and what it says.
#[derive(Debug, Serialize)]
pub(super) struct Said<'a> {
    pub(super) role: &'static str,
    pub(super) content: Content<'a>,
}

/// The result of a tool call.
#[derive(Debug, Serialize)]
pub(super) struct Returned<'a> {
    pub(super) role: &'static str,
    pub(super) tool_call_id: Cow<'a, str>,
    pub(super) content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
}

/// A message of the model.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) content: Content<'a>,
    pub(super) calls: Vec<Call<'a>>,
    /// Its thoughts, under the name that they have with this server.
    pub(super) thoughts: Option<(&'a str, String)>,
    /// Whether it is marked as one to be gone on with.
    pub(super) is_prefix: bool,
}

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_map(None)?;
        message.serialize_entry("role", "assistant")?;
        message.serialize_entry("content", &self.content)?;
        if !self.calls.is_empty() {
            message.serialize_entry("tool_calls", &self.calls)?;
        }
        if let Some((name, thoughts)) = &self.thoughts {
            message.serialize_entry(name, thoughts)?;
        }
        if self.is_prefix {
            message.serialize_entry("prefix", &true)?;
        }
        message.end()
    }
}

/// A call of a tool.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "function")]
pub(super) struct Call<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) function: Function<'a>,
}

#[derive(Debug, Serialize)]
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    /// JSON in a string.
    pub(super) arguments: String,
}
