//! What a server sends, as far as it is used. Everything may be missing: servers differ.

use ropewalk_core::Usage;
use serde::Deserialize;
use serde_json::Value;

/// One chunk of a streamed answer, or a whole answer.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
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
pub(super) struct Choice {
    #[serde(default)]
    pub(super) index: Option<u64>,
    /// What is new, in a stream.
    #[serde(default)]
    pub(super) delta: Option<Delta>,
    /// All of it, in an answer in one piece.
    #[serde(default)]
    pub(super) message: Option<Delta>,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
    /// What OpenRouter says when the provider behind it failed.
    #[serde(default)]
    pub(super) error: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Delta {
    /// A text, or (Mistral's thinking models) a list of parts.
    #[serde(default)]
    pub(super) content: Option<Value>,
    #[serde(default)]
    pub(super) reasoning_content: Option<Value>,
    #[serde(default)]
    pub(super) reasoning: Option<Value>,
    #[serde(default)]
    pub(super) refusal: Option<String>,
    #[serde(default)]
    pub(super) tool_calls: Option<Vec<ToolCall>>,
    /// How calls were sent before there could be several.
    #[serde(default)]
    pub(super) function_call: Option<Function>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ToolCall {
    #[serde(default)]
    pub(super) index: Option<u64>,
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) function: Option<Function>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Function {
    #[serde(default)]
    pub(super) name: Option<String>,
    /// JSON in a string; some servers forget the string.
    #[serde(default)]
    pub(super) arguments: Option<Value>,
}

impl Chunk {
    /// What the answer used, if the chunk tells. Numbers that can't be read count as not told: an
    /// answer is worth more than its bill.
    pub(super) fn usage(&self) -> Option<Usage> {
        let of_groq = || self.x_groq.as_ref()?.get("usage");
        let told = self.usage.as_ref().filter(|usage| usage.is_object()).or_else(of_groq)?;
        let number = |pointer: &str| told.pointer(pointer)?.as_u64();
        let input = number("/prompt_tokens").unwrap_or(0);
        let output = number("/completion_tokens").unwrap_or(0);
        let mut usage = Usage::new(input, output);
        if let Some(total) = number("/total_tokens") {
            usage.total_tokens = total;
        }
        usage.cache_read_input_tokens = number("/prompt_tokens_details/cached_tokens")
            // DeepSeek's name for it.
            .or_else(|| number("/prompt_cache_hit_tokens"));
        usage.cache_write_input_tokens = number("/prompt_tokens_details/cache_write_tokens");
        Some(usage)
    }
}
