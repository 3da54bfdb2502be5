//! What a server sends, as far as it has a form of its own. Everything else is read as any JSON.

use ropewalk_core::Usage;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::json::Text;

/// An event as most of an answer are: a piece of text or of thoughts, and how much was used so far. One that says more
/// does not fit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plain<'a> {
    #[serde(borrow)]
    candidates: [Candidate<'a>; 1],
    #[serde(default)]
    pub(super) usage_metadata: Option<Counts>,
    #[serde(default)]
    prompt_feedback: Option<IgnoredAny>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Candidate<'a> {
    #[serde(borrow)]
    content: Content<'a>,
    #[serde(default)]
    index: u64,
}

#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: [Part<'a>; 1],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(default)]
    thought: bool,
}

impl Plain<'_> {
    /// The piece, and whether it is one of thoughts; none if the event says something else as well.
    pub(super) fn piece(&self) -> Option<(&str, bool)> {
        let [Candidate { content: Content { parts: [part] }, index: 0 }] = &self.candidates else {
            return None;
        };
        let is_plain = self.prompt_feedback.is_none() && self.error.is_none();
        is_plain.then_some((&*part.text.0, part.thought))
    }
}

/// What the answer used so far.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Counts {
    prompt_token_count: u64,
    /// What tools at Google gave is read.
    tool_use_prompt_token_count: u64,
    candidates_token_count: u64,
    /// Thoughts are written, too.
    thoughts_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    total_token_count: Option<u64>,
}

impl Counts {
    /// As all providers' counts are called.
    pub(super) fn usage(self) -> Usage {
        let input = self.prompt_token_count.saturating_add(self.tool_use_prompt_token_count);
        let thoughts = self.thoughts_token_count.unwrap_or(0);
        let output = self.candidates_token_count.saturating_add(thoughts);
        let mut usage = Usage::new(input, output);
        usage.total_tokens = self.total_token_count.unwrap_or(usage.total_tokens);
        usage.cache_read_input_tokens = self.cached_content_token_count;
        usage.reasoning_output_tokens = self.thoughts_token_count;
        usage
    }
}
