//! What a model call used and how long it took.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens that were used, in Strands' keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens read. Whether those of a cache are a part of them is the provider's way of counting: Anthropic and Bedrock
    /// count them beside, and the total is the sum of all.
    pub input_tokens: u64,
    /// Tokens written, thoughts included.
    pub output_tokens: u64,
    /// All of them, as the provider counts.
    pub total_tokens: u64,
    /// Those that came from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_read_input_tokens: Option<u64>,
    /// Those that were read and went into a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write_input_tokens: Option<u64>,
    /// Those of the written ones that went into thoughts, where the provider tells. Strands has no key for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_output_tokens: Option<u64>,
}

impl Usage {
    /// So many tokens in and out, the total being their sum.
    pub fn new(input: u64, output: u64) -> Self {
        Self {
            input_tokens: input,
            output_tokens: output,
            total_tokens: input.saturating_add(output),
            ..Self::default()
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.total_tokens = self.total_tokens.saturating_add(other.total_tokens);
        self.cache_read_input_tokens =
            add(self.cache_read_input_tokens, other.cache_read_input_tokens);
        self.cache_write_input_tokens =
            add(self.cache_write_input_tokens, other.cache_write_input_tokens);
        self.reasoning_output_tokens =
            add(self.reasoning_output_tokens, other.reasoning_output_tokens);
    }
}

/// Times of a model call, in milliseconds, in Strands' keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// The whole call.
    pub latency_ms: u64,
    /// Until the first content came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_first_byte_ms: Option<u64>,
}
