//! The conversation, as the interface wants it: a list of items.

use ropewalk_core::{
    ContentBlock, Message, ReasoningContent, ReasoningText, Role, ToolResult, ToolResultContent,
    ToolUse,
};
use serde_json::{Value, json};

use super::kept::Kept;
use super::media::{document, film, image, sound, text};
use super::service::IDS;
use super::{own, thoughts};
use crate::media::{left_out, warn_unknown};
use crate::render::tool_name;

/// Why something can't stand in a message of the model.
const OF_MODEL: &str = "a message of the model can't hold it here";

/// What the server takes of the model's earlier answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Takes<'a> {
    /// The server's host.
    pub(super) server: &'a str,
    /// Whether it takes thoughts back.
    pub(super) thoughts: bool,
    /// Whether it keeps its answers.
    pub(super) is_stored: bool,
}

/// A message, as several items, or none.
pub(super) fn items(message: &Message, takes: Takes<'_>) -> String {
    let items = match message.role {
        Role::User => user(message),
        Role::Assistant => assistant(message, takes),
    };
    items.iter().map(Value::to_string).collect::<Vec<_>>().join(",")
}

/// Tool results come first, each an item of its own; then the user's own words.
fn user(message: &Message) -> Vec<Value> {
    let mut items: Vec<Value> = message.results().map(result).collect();
    let mut parts = Vec::new();
    for block in &message.content {
        match block {
            ContentBlock::Text(words) => parts.push(text(words)),
            ContentBlock::Image(block) => parts.push(image(block)),
            ContentBlock::Document(block) => parts.push(document(block)),
            ContentBlock::Audio(_) => parts.push(sound()),
            ContentBlock::Video(_) => parts.push(film()),
            ContentBlock::GuardContent(guarded) => parts.push(text(&guarded.text.text)),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| text(&part.text)));
            }
            ContentBlock::ToolResult(_) | ContentBlock::CachePoint(_) => {}
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("thoughts in a user message are not sent to the model");
            }
            // A transcript holds neither under this role.
            ContentBlock::ToolUse(_) | ContentBlock::InterruptResponse(_) => {}
            other => warn_other(other),
        }
    }
    parts.retain(|part| !is_blank(part));
    if !parts.is_empty() {
        items.push(json!({"type": "message", "role": "user", "content": parts}));
    }
    items
}

/// The model's message as the items that it was made of.
fn assistant(message: &Message, takes: Takes<'_>) -> Vec<Value> {
    let kept = Kept::of(message, takes.server).unwrap_or_default();
    let mut items: Vec<Value> = Vec::new();
    for (at, block) in message.content.iter().enumerate() {
        let mut say = |words: &str| say(&mut items, words, kept.phase_at(at));
        match block {
            ContentBlock::Text(words) => say(words),
            ContentBlock::CitationsContent(cited) => {
                cited.content.iter().for_each(|part| say(&part.text));
            }
            ContentBlock::GuardContent(guarded) => say(&guarded.text.text),
            ContentBlock::ToolUse(tool_use) => items.push(call(tool_use)),
            ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(reasoning)) => {
                items.extend(thought(reasoning, takes));
            }
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("sealed thoughts of another provider are not sent to the model");
            }
            ContentBlock::CachePoint(_) => {}
            ContentBlock::Image(_) => say(&left_out("a picture", OF_MODEL)),
            ContentBlock::Document(_) => say(&left_out("a document", OF_MODEL)),
            ContentBlock::Audio(_) => say(&left_out("sound", OF_MODEL)),
            ContentBlock::Video(_) => say(&left_out("a film", OF_MODEL)),
            // A transcript holds neither under this role.
            ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
            ContentBlock::Unknown(block) => match own::item(block, takes.server) {
                Some(item) => items.push(item.clone()),
                None => warn_unknown(block),
            },
            other => warn_other(other),
        }
    }
    // Servers refuse thoughts that lead to nothing.
    let is_thought = |item: &Value| item.get("type").is_some_and(|kind| kind == "reasoning");
    if items.iter().all(is_thought) { Vec::new() } else { items }
}

/// Adds words of the model: to its last item, if they belong there.
fn say(items: &mut Vec<Value>, words: &str, phase: Option<&str>) {
    let part = json!({"type": "output_text", "text": words});
    if is_blank(&part) {
        return;
    }
    let last = items.last_mut().filter(|item| item.get("phase").and_then(Value::as_str) == phase);
    let parts = last.and_then(|item| item.get_mut("content")?.as_array_mut());
    if let Some(parts) = parts.filter(|parts| parts.iter().all(is_words)) {
        parts.push(part);
        return;
    }
    let mut item = json!({"type": "message", "role": "assistant", "content": [part]});
    if let Some(phase) = phase {
        item["phase"] = phase.into();
    }
    items.push(item);
}

/// Whether a part is a text that says nothing: servers refuse such, and need none.
fn is_blank(part: &Value) -> bool {
    part.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
}

fn is_words(part: &Value) -> bool {
    part.get("type").is_some_and(|kind| kind == "output_text")
}

fn thought(reasoning: &ReasoningText, takes: Takes<'_>) -> Option<Value> {
    let item = thoughts::item(reasoning, takes.server, takes.is_stored).filter(|_| takes.thoughts);
    if item.is_none() {
        tracing::warn!("thoughts that the server can't take back are not sent to the model");
    }
    item
}

fn call(tool_use: &ToolUse) -> Value {
    json!({
        "type": "function_call",
        "call_id": IDS.fit(&tool_use.tool_use_id),
        "name": tool_name(&tool_use.name),
        "arguments": tool_use.input.to_string(),
    })
}

/// A tool result: a text, or parts if there is more in it than texts.
fn result(result: &ToolResult) -> Value {
    let mut parts = Vec::new();
    for item in &result.content {
        match item {
            ToolResultContent::Text(words) => parts.push(text(words)),
            ToolResultContent::Json(value) => parts.push(text(&value.to_string())),
            ToolResultContent::Image(block) => parts.push(image(block)),
            ToolResultContent::Document(block) => parts.push(document(block)),
            ToolResultContent::Unknown(item) => warn_unknown(item),
            _ => tracing::warn!("a part of a tool result of a later kind is not sent to the model"),
        }
    }
    let texts: Option<Vec<&str>> = parts.iter().map(|part| part.get("text")?.as_str()).collect();
    let output = texts.map(|texts| Value::from(texts.join("\n"))).unwrap_or_else(|| parts.into());
    json!({"type": "function_call_output", "call_id": IDS.fit(&result.tool_use_id), "output": output})
}

fn warn_other(block: &ContentBlock) {
    if let ContentBlock::Unknown(block) = block {
        warn_unknown(block);
    } else {
        tracing::warn!("a block of a later kind is not sent to the model");
    }
}
