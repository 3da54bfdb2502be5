//! Messages, as the interface wants them.

use ropewalk_core::{
    ContentBlock, Message, ReasoningContent, Role, ToolResult, ToolResultContent, ToolStatus,
    ToolUse,
};
use serde_json::{Map, Value, json};

use super::OWN;
use super::citations::cited;
use super::content::{Content, Part};
use super::ids::Ids;
use super::media::{document, image, text};
use super::runs::{Whole, is_half, whole_in};
use super::sealed;
use crate::media::{left_out, warn_unknown};
use crate::render::{plain_signature, tool_name};

/// Why something can't stand in a message of the model.
const OF_MODEL: &str = "a message of the model can't hold it here";

/// A message as it is sent; empty if nothing of it is. Beside those in the message itself, these calls that ran at the
/// provider are whole.
pub(super) fn message<'a>(message: &'a Message, ids: Ids<'a>, whole: &Whole<'a>) -> String {
    match message.role {
        Role::User => user(message, ids),
        Role::Assistant => assistant(message, ids, whole),
    }
}

fn user<'a>(message: &'a Message, mut ids: Ids<'a>) -> String {
    let mut content = Content::default();
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => content.text(text),
            ContentBlock::Image(block) => content.push(Part::Others, &image(block)),
            ContentBlock::Document(block) => content.push(Part::Others, &document(block)),
            ContentBlock::GuardContent(guarded) => content.text(&guarded.text.text),
            ContentBlock::CitationsContent(cited) => {
                cited.content.iter().for_each(|part| content.text(&part.text));
            }
            ContentBlock::ToolResult(result) => tool_result(result, &mut ids, &mut content),
            ContentBlock::CachePoint(point) => content.mark(point),
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("thoughts in a user message are not sent to the model");
            }
            // A transcript holds neither under this role.
            ContentBlock::ToolUse(_) | ContentBlock::InterruptResponse(_) => {}
            other => foreign(other, &mut content),
        }
    }
    content.finish(Role::User)
}

fn assistant<'a>(message: &'a Message, mut ids: Ids<'a>, whole: &Whole<'a>) -> String {
    let mut content = Content::default();
    let mut runs = whole_in(message);
    runs.extend(whole);
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => content.text(text),
            ContentBlock::CitationsContent(said) => match cited(said) {
                Some(block) => content.push(Part::Others, &block),
                None => content.text(""),
            },
            ContentBlock::GuardContent(guarded) => content.text(&guarded.text.text),
            ContentBlock::ToolUse(call) => content.push(Part::Others, &tool_use(call, &mut ids)),
            ContentBlock::ReasoningContent(thoughts) => {
                if let Some(block) = reasoning(thoughts) {
                    content.unmarked(&block);
                }
            }
            ContentBlock::CachePoint(point) => content.mark(point),
            ContentBlock::Image(_) => content.text(&left_out("a picture", OF_MODEL)),
            ContentBlock::Document(_) => content.text(&left_out("a document", OF_MODEL)),
            // A transcript holds neither under this role.
            ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
            ContentBlock::Unknown(map) if is_half(map, &runs) => {
                tracing::warn!("half of a call that ran at the provider is not sent to the model");
            }
            other => foreign(other, &mut content),
        }
    }
    // Without it the words before and behind it would be one message of the user.
    if message.content.is_empty() {
        content.text("");
    }
    content.finish(Role::Assistant)
}

/// What neither role has a place for; and blocks in the interface's own form, which it gave or the user made.
fn foreign(block: &ContentBlock, content: &mut Content) {
    match block {
        ContentBlock::Video(_) => content.text(&left_out("a film", "this provider takes none")),
        ContentBlock::Audio(_) => content.text(&left_out("sound", "this provider takes none")),
        ContentBlock::Unknown(map) => match map.get(OWN) {
            Some(own) => content.push(Part::Others, own),
            None => warn_unknown(map),
        },
        _ => tracing::warn!("a block of a later kind is not sent to the model"),
    }
}

/// Thoughts that the provider knows again; it refuses all others.
fn reasoning(thoughts: &ReasoningContent) -> Option<Value> {
    match thoughts {
        ReasoningContent::ReasoningText(thoughts) => {
            let Some(signature) = plain_signature(thoughts) else {
                tracing::warn!(
                    "thoughts without a signature of the provider are not sent to the model"
                );
                return None;
            };
            Some(json!({"type": "thinking", "thinking": thoughts.text, "signature": signature}))
        }
        ReasoningContent::RedactedContent(bytes) => {
            Some(json!({"type": "redacted_thinking", "data": sealed::data(bytes)}))
        }
        _ => {
            tracing::warn!("thoughts of a later kind are not sent to the model");
            None
        }
    }
}

fn tool_use<'a>(call: &'a ToolUse, ids: &mut Ids<'a>) -> Value {
    let name = tool_name(&call.name);
    // The interface takes objects only.
    let input = match &call.input {
        Value::Object(_) => call.input.clone(),
        Value::Null => json!({}),
        other => json!({"value": other}),
    };
    json!({"type": "tool_use", "id": ids.next(&call.tool_use_id), "name": name, "input": input})
}

/// A tool result. That of a call that failed holds texts only; its pictures and documents follow the results.
fn tool_result<'a>(result: &'a ToolResult, ids: &mut Ids<'a>, content: &mut Content) {
    let is_error = result.status == ToolStatus::Error;
    let mut parts = Vec::new();
    let mut media = Vec::new();
    for item in &result.content {
        match item {
            ToolResultContent::Text(words) if words.trim().is_empty() => {}
            ToolResultContent::Text(words) => parts.push(text(words)),
            ToolResultContent::Json(value) => parts.push(text(&value.to_string())),
            ToolResultContent::Image(block) if is_error => media.push(image(block)),
            ToolResultContent::Document(block) if is_error => media.push(document(block)),
            ToolResultContent::Image(block) => parts.push(image(block)),
            ToolResultContent::Document(block) => parts.push(document(block)),
            ToolResultContent::Unknown(item) => match item.get(OWN) {
                Some(own) => parts.push(own.clone()),
                None => warn_unknown(item),
            },
            _ => tracing::warn!("a part of a tool result of a later kind is not sent to the model"),
        }
    }
    let id = ids.next(&result.tool_use_id);
    let mut block = Map::new();
    block.insert("type".into(), "tool_result".into());
    block.insert("tool_use_id".into(), id.as_ref().into());
    if !media.is_empty() {
        parts.push(text("[What else came of this is in the user message after the tool results.]"));
        content.push(Part::OfResults, &text(&format!("From the result of the tool call {id}:")));
        media.iter().for_each(|block| content.push(Part::OfResults, block));
    }
    if is_error {
        if parts.is_empty() {
            parts.push(text("[the tool failed and said nothing]"));
        }
        block.insert("is_error".into(), true.into());
    }
    block.insert("content".into(), parts.into());
    content.push(Part::Results, &Value::Object(block));
}
