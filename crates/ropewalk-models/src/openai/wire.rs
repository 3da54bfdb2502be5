//! What a server sends, as far as it is used. Everything may be missing: servers differ.

use std::fmt;

use ropewalk_core::Usage;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;

use crate::json::{Loose, Text};

/// One chunk of a streamed answer, or a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    object: Option<Loose<'a>>,
    /// Only one answer is asked for; others come only if a parameter asks for them.
    #[serde(borrow, default, rename = "choices", deserialize_with = "first")]
    pub(super) choice: Option<Choice<'a>>,
    #[serde(default)]
    usage: Option<Value>,
    /// Where Groq put the usage before it took to the common place.
    #[serde(default)]
    x_groq: Option<Value>,
    /// A failure in the middle of the stream.
    #[serde(default)]
    pub(super) error: Option<Value>,
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
    pub(super) message: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Option<Text<'a>>,
    /// What OpenRouter says when the provider behind it failed.
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delta<'a> {
    /// A text, or (Mistral's thinking models) a list of parts.
    #[serde(borrow, default)]
    pub(super) content: Option<Loose<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning_content: Option<Loose<'a>>,
    #[serde(borrow, default)]
    pub(super) reasoning: Option<Loose<'a>>,
    #[serde(borrow, default)]
    pub(super) refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) tool_calls: Option<Vec<ToolCall<'a>>>,
    /// How calls were sent before there could be several.
    #[serde(borrow, default)]
    pub(super) function_call: Option<Function<'a>>,
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
    /// Whether it is the report of a failure, and no chunk at all.
    pub(super) fn is_report(&self) -> bool {
        self.object.as_ref().and_then(Loose::as_str) == Some("error")
    }

    /// What the answer used, if the chunk tells. Numbers that can't be read count as not told: an
    /// answer is worth more than its bill.
    pub(super) fn usage(&self) -> Option<Usage> {
        let of_groq = || self.x_groq.as_ref()?.get("usage");
        let told = self.usage.as_ref().filter(|usage| usage.is_object()).or_else(of_groq)?;
        let number = |key: &str| told.get(key)?.as_u64();
        let of_input = |key: &str| told.get("prompt_tokens_details")?.get(key)?.as_u64();
        let of_output = |key: &str| told.get("completion_tokens_details")?.get(key)?.as_u64();
        let input = number("prompt_tokens").unwrap_or(0);
        let output = number("completion_tokens").unwrap_or(0);
        let mut usage = Usage::new(input, output);
        if let Some(total) = number("total_tokens") {
            usage.total_tokens = total;
        }
        usage.cache_read_input_tokens = of_input("cached_tokens")
            // DeepSeek's name for it.
            .or_else(|| number("prompt_cache_hit_tokens"));
        usage.cache_write_input_tokens = of_input("cache_write_tokens");
        usage.reasoning_output_tokens = of_output("reasoning_tokens");
        // xAI counts thoughts beside the completion: the total tells.
        let thoughts = usage.reasoning_output_tokens.unwrap_or(0);
        let beside = output.saturating_add(thoughts);
        if input.saturating_add(beside) == usage.total_tokens {
            usage.output_tokens = beside;
        }
        Some(usage)
    }
}

/// The first of the choices that is none of the others.
fn first<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Choice<'de>>, D::Error> {
    deserializer.deserialize_any(Choices)
}

struct Choices;

impl<'de> Visitor<'de> for Choices {
    type Value = Option<Choice<'de>>;

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
        Ok(first)
    }
}
