//! What a server sends, as far as it is used. Everything may be missing: servers differ.

use std::borrow::Cow;

use ropewalk_core::{StopReason, Usage};
use serde::Deserialize;
use serde_json::Value;

use crate::json::Loose;

/// One event of a streamed answer. What is new in it is lent out of it: most events are nothing else.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    pub(super) kind: Cow<'a, str>,
    /// Which output item it belongs to.
    #[serde(default)]
    pub(super) output_index: Option<u64>,
    /// Which part of the item.
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    /// What is new.
    #[serde(borrow, default)]
    delta: Option<Loose<'a>>,
    /// All of it, under the names that it has in different events.
    #[serde(borrow, default)]
    text: Option<Loose<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Loose<'a>>,
    #[serde(borrow, default)]
    arguments: Option<Loose<'a>>,
    #[serde(default)]
    pub(super) item: Value,
    #[serde(default)]
    pub(super) annotation: Value,
    #[serde(default)]
    pub(super) response: Value,
    #[serde(default)]
    pub(super) error: Value,
}

impl Event<'_> {
    /// Which part of its item it belongs to.
    pub(super) fn part(&self) -> u64 {
        self.content_index.or(self.summary_index).unwrap_or(0)
    }

    /// What is new.
    pub(super) fn piece(&self) -> Cow<'_, str> {
        self.delta.as_ref().map(loose).unwrap_or_default()
    }

    /// All of what came in pieces before.
    pub(super) fn whole(&self) -> Cow<'_, str> {
        let all = [&self.text, &self.refusal, &self.arguments];
        all.into_iter().flatten().next().map(loose).unwrap_or_default()
    }
}

/// JSON in a string; some servers forget the string.
fn loose<'a>(value: &'a Loose<'_>) -> Cow<'a, str> {
    match value {
        Loose::Text(text) => Cow::Borrowed(text),
        Loose::Other(value) => written(value),
    }
}

/// JSON in a string; some servers forget the string.
pub(super) fn written(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::default(),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// What stands in an object under this name, if it is a text.
pub(super) fn text_of<'a>(object: &'a Value, key: &str) -> &'a str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Why the answer ended: what a response says of itself, or else what the event that it came in says.
pub(super) fn stop_reason(response: &Value, status: &str) -> StopReason {
    if status != "incomplete" {
        return StopReason::EndTurn;
    }
    match response.pointer("/incomplete_details/reason").and_then(Value::as_str) {
        Some("max_output_tokens" | "max_tokens") => StopReason::MaxTokens,
        Some("content_filter") => StopReason::ContentFiltered,
        Some(other) => StopReason::from(other),
        None => StopReason::from("incomplete"),
    }
}

/// What an answer used. Numbers that can't be read count as not told: an answer is worth more than its bill.
pub(super) fn usage(response: &Value) -> Usage {
    let number = |pointer: &str| response.get("usage")?.pointer(pointer)?.as_u64();
    let input = number("/input_tokens").unwrap_or(0);
    let output = number("/output_tokens").unwrap_or(0);
    let mut usage = Usage::new(input, output);
    if let Some(total) = number("/total_tokens") {
        usage.total_tokens = total;
    }
    usage.cache_read_input_tokens = number("/input_tokens_details/cached_tokens");
    usage.cache_write_input_tokens = number("/input_tokens_details/cache_write_tokens");
    usage.reasoning_output_tokens = number("/output_tokens_details/reasoning_tokens");
    usage
}
