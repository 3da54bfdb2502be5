//! The conversation, as the interface wants it.

use ropewalk_core::{
    ContentBlock, Message, ModelRequest, ReasoningContent, Role, ToolResult, ToolResultContent,
    ToolUse,
};
use serde_json::{Map, Value, json};

use super::chat::Chat;
use super::media::{audio, document, film, image};
use crate::json;
use crate::media::{left_out, warn_unknown};
use crate::render::tool_name;

/// What stands for a text that says nothing: servers refuse empty ones.
const BLANK: &str = "[blank text]";
/// Why something can't stand in a message of the model.
const OF_MODEL: &str = "a message of the model can't hold it here";

/// The system prompt, as the first message; empty if there is none.
pub(super) fn system(request: &ModelRequest) -> String {
    let text = request.system.as_ref().and_then(|system| system.text());
    text.map(|text| json::text(&json!({"role": "system", "content": text}))).unwrap_or_default()
}

/// A message, as one or several of the interface's, or none. `before` is the one in front of it.
pub(super) fn message(message: &Message, before: Option<&Message>, chat: &Chat) -> String {
    let rendered = match message.role {
        Role::User => user(message, before, chat),
        Role::Assistant => assistant(message, chat).into_iter().map(Value::Object).collect(),
    };
    match rendered.as_slice() {
        [only] => json::text(only),
        several => several.iter().map(json::text).collect::<Vec<_>>().join(","),
    }
}

/// A message of the model that it shall go on with, marked as such.
pub(super) fn prefix(message: &Message, chat: &Chat) -> String {
    let Some(mut rendered) = assistant(message, chat) else { return String::new() };
    rendered.insert("prefix".into(), true.into());
    Value::Object(rendered).to_string()
}

/// Tool results come first, each as a message of its own: nothing may stand between them and the
/// calls they answer. What the role `tool` can't carry follows with the user's own words.
fn user(message: &Message, before: Option<&Message>, chat: &Chat) -> Vec<Value> {
    let mut messages = Vec::new();
    let mut parts = Vec::new();
    for result in message.results() {
        let mut rendered = tool_result(result, chat, &mut parts);
        let mut calls = before.into_iter().flat_map(Message::tool_uses);
        let call = calls.find(|call| call.tool_use_id == result.tool_use_id);
        if let Some(call) = call.filter(|_| chat.manner.names_results) {
            rendered.insert("name".into(), tool_name(&call.name).into());
        }
        messages.push(rendered.into());
    }
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => parts.push(text_part(text)),
            ContentBlock::Image(block) => parts.push(image(block)),
            ContentBlock::Document(block) => parts.push(document(block, chat.manner)),
            ContentBlock::Audio(block) => parts.push(audio(block, chat.manner)),
            ContentBlock::GuardContent(guarded) => parts.push(text_part(&guarded.text.text)),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| text_part(&part.text)));
            }
            ContentBlock::ToolResult(_) | ContentBlock::CachePoint(_) => {}
            ContentBlock::Video(_) => parts.push(film()),
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("thoughts in a user message are not sent to the model");
            }
            // A transcript holds neither under this role.
            ContentBlock::ToolUse(_) | ContentBlock::InterruptResponse(_) => {}
            other => warn_other(other),
        }
    }
    if !parts.is_empty() {
        parts.retain(|part| !is_blank(part));
        if parts.is_empty() {
            parts.push(text_part(BLANK));
        }
        messages.push(json!({"role": "user", "content": content(parts)}));
    }
    messages
}

fn assistant(message: &Message, chat: &Chat) -> Option<Map<String, Value>> {
    let mut parts = Vec::new();
    let mut calls = Vec::new();
    let mut thoughts = String::new();
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => parts.push(text_part(text)),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| text_part(&part.text)));
            }
            ContentBlock::GuardContent(guarded) => parts.push(text_part(&guarded.text.text)),
            ContentBlock::ToolUse(tool_use) => calls.push(call(tool_use, chat)),
            ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(reasoning)) => {
                // What another provider signed is not this one's.
                if chat.thinking_parts && reasoning.signature.is_none() {
                    parts.push(thinking(&reasoning.text));
                } else {
                    thoughts.push_str(&reasoning.text);
                }
            }
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("sealed thoughts of another provider are not sent to the model");
            }
            ContentBlock::CachePoint(_) => {}
            ContentBlock::Image(_) => parts.push(text_part(&left_out("a picture", OF_MODEL))),
            ContentBlock::Document(_) => parts.push(text_part(&left_out("a document", OF_MODEL))),
            ContentBlock::Audio(_) => parts.push(text_part(&left_out("sound", OF_MODEL))),
            ContentBlock::Video(_) => parts.push(text_part(&left_out("a film", OF_MODEL))),
            // A transcript holds neither under this role.
            ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
            other => warn_other(other),
        }
    }
    if calls.is_empty() {
        for part in parts.iter_mut().filter(|part| is_blank(part)) {
            *part = text_part(BLANK);
        }
        if message.content.is_empty() {
            parts.push(text_part(BLANK));
        }
    } else {
        parts.retain(|part| !is_blank(part));
    }
    let mut rendered = Map::new();
    rendered.insert("role".into(), "assistant".into());
    let mut is_empty = parts.is_empty() && calls.is_empty();
    let content = if parts.is_empty() { Value::Null } else { content(parts) };
    rendered.insert("content".into(), content);
    if !calls.is_empty() {
        rendered.insert("tool_calls".into(), calls.into());
    }
    if let Some(field) = chat.reasoning_field.as_deref().filter(|_| !thoughts.is_empty()) {
        // A message of thoughts alone still needs a content.
        if std::mem::take(&mut is_empty) {
            rendered.insert("content".into(), BLANK.into());
        }
        rendered.insert(field.into(), thoughts.into());
    }
    // Nothing is left of a message of thoughts that are not sent: it goes with them.
    (!is_empty).then_some(rendered)
}

fn call(tool_use: &ToolUse, chat: &Chat) -> Value {
    json!({
        "id": chat.manner.ids.fit(&tool_use.tool_use_id),
        "type": "function",
        "function": {"name": tool_name(&tool_use.name), "arguments": json::text(&tool_use.input)},
    })
}

fn thinking(text: &str) -> Value {
    json!({"type": "thinking", "thinking": [text_part(text)], "closed": true})
}

/// The message of one tool result. Its pictures and documents go to `parts`, with a word about
/// where they belong.
fn tool_result(result: &ToolResult, chat: &Chat, parts: &mut Vec<Value>) -> Map<String, Value> {
    let id = &result.tool_use_id;
    let mut texts = Vec::new();
    for item in &result.content {
        match item {
            ToolResultContent::Text(text) => texts.push(text.clone()),
            ToolResultContent::Json(value) => texts.push(value.to_string()),
            ToolResultContent::Image(block) => {
                texts.push("[The image is in the user message after the tool results.]".to_owned());
                parts.push(text_part(&format!("Image from the result of the tool call {id}:")));
                parts.push(image(block));
            }
            ToolResultContent::Document(block) => {
                let name = &block.name;
                texts.push(format!(
                    "[The document `{name}` is in the user message after the tool results.]"
                ));
                parts.push(text_part(&format!("Document from the result of the tool call {id}:")));
                parts.push(document(block, chat.manner));
            }
            ToolResultContent::Unknown(item) => warn_unknown(item),
            _ => tracing::warn!("a part of a tool result of a later kind is not sent to the model"),
        }
    }
    Map::from_iter([
        ("role".to_owned(), "tool".into()),
        ("tool_call_id".to_owned(), chat.manner.ids.fit(id).into()),
        ("content".to_owned(), texts.join("\n").into()),
    ])
}

pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// Whether a part is a text that says nothing.
fn is_blank(part: &Value) -> bool {
    part.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
}

/// One text stands by itself, which every server understands; anything else is a list.
fn content(mut parts: Vec<Value>) -> Value {
    if let [part] = parts.as_mut_slice()
        && let Some(text) = part.get_mut("text")
    {
        return text.take();
    }
    Value::Array(parts)
}

fn warn_other(block: &ContentBlock) {
    if let ContentBlock::Unknown(block) = block {
        warn_unknown(block);
    } else {
        tracing::warn!("a block of a later kind is not sent to the model");
    }
}
