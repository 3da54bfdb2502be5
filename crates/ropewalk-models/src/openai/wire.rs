//! What a server sends, as far as it is used. Everything may be missing: servers differ.

use std::fmt;

use ropewalk_core::Usage;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

use super::usage::{Lenient, OfGroq, Told};
use crate::json::{Loose, Text};

/// One chunk of a streamed answer, or a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    /// Only one answer is asked for; others come only if a parameter asks for them.
    /// None where no list of them is there, be it an empty one.
    #[serde(borrow, default, rename = "choices", deserialize_with = "first")]
    pub(super) choice: Option<Option<Choice<'a>>>,
    #[serde(default)]
    usage: Lenient<Told>,
    /// Where Groq put the usage before it took to the common place.
    #[serde(default)]
    x_groq: Lenient<OfGroq>,
    /// A failure in the middle of the stream. Boxed, as all that is not in every chunk: what is read is moved from
    /// hand to hand.
    #[serde(default)]
    pub(super) error: Option<Box<Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    index: Option<u64>,
    /// What is new, in a stream.
    #[serde(borrow, default)]
    pub(super) delta: Option<Delta<'a>>,
    /// All of it, in an answer in one piece.
    #[serde(borrow, default)]
    pub(super) message: Option<Box<Delta<'a>>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Box<Text<'a>>>,
    /// What OpenRouter says when the provider behind it failed.
    #[serde(default)]
    pub(super) error: Option<Box<Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    /// A text, or (Mistral's thinking models) a list of parts.
    #[serde(borrow, default)]
    pub(super) content: Option<Loose<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Box<Loose<'a>>>,
    #[serde(borrow, default)]
    pub(super) reasoning: Option<Box<Loose<'a>>>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<Box<Text<'a>>>,
    #[serde(borrow, default, deserialize_with = "one_or_more")]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
    /// How calls were sent before there could be several.
    #[serde(borrow, default)]
    pub(super) function_call: Option<Box<Function<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolCall<'a> {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(borrow, default)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) function: Option<Function<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    /// JSON in a string; some servers forget the string.
    #[serde(borrow, default)]
    pub(super) arguments: Option<Loose<'a>>,
}

impl Chunk<'_> {
    /// Whether it has neither a list of choices nor an error: then it may be something else, such as the report of a
    /// failure in another form.
    pub(super) fn is_odd(&self) -> bool {
        self.choice.is_none() && self.error.is_none()
    }

    /// What the answer used, if the chunk tells.
    pub(super) fn usage(&self) -> Option<Usage> {
        let of_groq = || self.x_groq.0.as_ref()?.usage.0.as_deref();
        self.usage.0.as_deref().or_else(of_groq).map(Told::usage)
    }
}

/// The first of the choices that is none of the others.
fn first<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<Choice<'de>>>, D::Error> {
    deserializer.deserialize_any(Choices)
}

struct Choices;

impl<'de> Visitor<'de> for Choices {
    type Value = Option<Option<Choice<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut choices: A) -> Result<Self::Value, A::Error> {
        let mut first = None;
        while let Some(choice) = choices.next_element::<Choice<'de>>()? {
            if first.is_none() && choice.index.unwrap_or(0) == 0 {
                first = Some(choice);
            }
        }
        Ok(Some(first))
    }
}

/// A list that has room for one at first: there is seldom more in a chunk.
fn one_or_more<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<ToolCall<'de>>>, D::Error> {
    deserializer.deserialize_any(ToolCalls)
}

struct ToolCalls;

impl<'de> Visitor<'de> for ToolCalls {
    type Value = Option<Vec<ToolCall<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tool calls")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut calls: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(call) = calls.next_element()? {
            if all.is_empty() {
                all.reserve_exact(1);
            }
            all.push(call);
        }
        Ok(Some(all))
    }
}
