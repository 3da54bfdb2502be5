//! The conversation, as the interface wants it.

use std::borrow::Cow;

use ropewalk_core::{
    ContentBlock, Message, ModelRequest, ReasoningContent, Role, ToolResult, ToolResultContent,
    ToolUse,
};
use serde::Serialize;
use serde_json::json;

use super::chat::Chat;
use super::media::{audio, document, film, image};
use super::part::{Answer, Call, Content, Function, Part, Returned, Said};
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
    text.map(|text| json::text(&Said { role: "system", content: Content::Text(text.into()) }))
        .unwrap_or_default()
}

/// A message, as one or several of the interface's, or none. `before` is the one in front of it.
pub(super) fn message(message: &Message, before: Option<&Message>, chat: &Chat) -> String {
    match message.role {
        Role::User => user(message, before, chat),
        Role::Assistant => assistant(message, chat).as_ref().map(json::text).unwrap_or_default(),
    }
}

/// A message of the model that it shall go on with, marked as such.
pub(super) fn prefix(message: &Message, chat: &Chat) -> String {
    let answer = assistant(message, chat).map(|answer| Answer { is_prefix: true, ..answer });
    answer.as_ref().map(json::text).unwrap_or_default()
}

/// Tool results come first, each as a message of its own: nothing may stand between them and the
/// calls they answer. What the role `tool` can't carry follows with the user's own words.
fn user(message: &Message, before: Option<&Message>, chat: &Chat) -> String {
    let mut messages = String::new();
    let mut parts = Vec::new();
    for result in message.results() {
        let mut rendered = tool_result(result, chat, &mut parts);
        let mut calls = before.into_iter().flat_map(Message::tool_uses);
        let call = calls.find(|call| call.tool_use_id == result.tool_use_id);
        let call = call.filter(|_| chat.manner.names_results);
        rendered.name = call.map(|call| tool_name(&call.name));
        add(&mut messages, &rendered);
    }
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => parts.push(Part::text(text)),
            ContentBlock::Image(block) => parts.push(image(block)),
            ContentBlock::Document(block) => parts.push(document(block, chat.manner)),
            ContentBlock::Audio(block) => parts.push(audio(block, chat.manner)),
            ContentBlock::GuardContent(guarded) => parts.push(Part::text(&guarded.text.text)),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| Part::text(&part.text)));
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
        parts.retain(|part| !part.is_blank());
        if parts.is_empty() {
            parts.push(Part::text(BLANK));
        }
        add(&mut messages, &Said { role: "user", content: parts.into() });
    }
    messages
}

/// Adds one to those that there are, with a comma between them.
fn add(messages: &mut String, message: &impl Serialize) {
    let message = json::text(message);
    if messages.is_empty() {
        *messages = message;
    } else {
        messages.push(',');
        messages.push_str(&message);
    }
}

fn assistant<'a>(message: &'a Message, chat: &'a Chat) -> Option<Answer<'a>> {
    let mut parts = Vec::new();
    let mut calls = Vec::new();
    let mut thoughts = String::new();
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => parts.push(Part::text(text)),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| Part::text(&part.text)));
            }
            ContentBlock::GuardContent(guarded) => parts.push(Part::text(&guarded.text.text)),
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
            ContentBlock::Image(_) => parts.push(Part::text(left_out("a picture", OF_MODEL))),
            ContentBlock::Document(_) => parts.push(Part::text(left_out("a document", OF_MODEL))),
            ContentBlock::Audio(_) => parts.push(Part::text(left_out("sound", OF_MODEL))),
            ContentBlock::Video(_) => parts.push(Part::text(left_out("a film", OF_MODEL))),
            // A transcript holds neither under this role.
            ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
            other => warn_other(other),
        }
    }
    if calls.is_empty() {
        for part in parts.iter_mut().filter(|part| part.is_blank()) {
            *part = Part::text(BLANK);
        }
        if message.content.is_empty() {
            parts.push(Part::text(BLANK));
        }
    } else {
        parts.retain(|part| !part.is_blank());
    }
    let is_empty = parts.is_empty() && calls.is_empty();
    let mut content = Content::from(parts);
    let field = chat.reasoning_field.as_deref().filter(|_| !thoughts.is_empty());
    if is_empty {
        // Nothing is left of a message of thoughts that are not sent: it goes with them. With those that are sent it
        // still needs a content.
        field?;
        content = Content::Text(BLANK.into());
    }
    let thoughts = field.map(|field| (field, thoughts));
    Some(Answer { content, calls, thoughts, is_prefix: false })
}

fn call<'a>(tool_use: &'a ToolUse, chat: &Chat) -> Call<'a> {
    let arguments = json::text(&tool_use.input);
    Call {
        id: chat.manner.ids.fit(&tool_use.tool_use_id),
        function: Function { name: tool_name(&tool_use.name), arguments },
    }
}

fn thinking(text: &str) -> Part<'static> {
    Part::Other(json!({"type": "thinking", "thinking": [Part::text(text)], "closed": true}))
}

/// The message of one tool result. Its pictures and documents go to `parts`, with a word about
/// where they belong.
fn tool_result<'a>(result: &'a ToolResult, chat: &Chat, parts: &mut Vec<Part<'a>>) -> Returned<'a> {
    let id = &result.tool_use_id;
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    for item in &result.content {
        match item {
            ToolResultContent::Text(text) => texts.push(text.into()),
            ToolResultContent::Json(value) => texts.push(json::text(value).into()),
            ToolResultContent::Image(block) => {
                texts.push("[The image is in the user message after the tool results.]".into());
                parts.push(Part::text(format!("Image from the result of the tool call {id}:")));
                parts.push(image(block));
            }
            ToolResultContent::Document(block) => {
                let name = &block.name;
                let text = format!(
                    "[The document `{name}` is in the user message after the tool results.]"
                );
                texts.push(text.into());
                parts.push(Part::text(format!("Document from the result of the tool call {id}:")));
                parts.push(document(block, chat.manner));
            }
            ToolResultContent::Unknown(item) => warn_unknown(item),
            _ => tracing::warn!("a part of a tool result of a later kind is not sent to the model"),
        }
    }
    let content = match texts.as_mut_slice() {
        [only] => std::mem::take(only),
        texts => texts.join("\n").into(),
    };
    Returned { role: "tool", tool_call_id: chat.manner.ids.fit(id), content, name: None }
}

fn warn_other(block: &ContentBlock) {
    if let ContentBlock::Unknown(block) = block {
        warn_unknown(block);
    } else {
        tracing::warn!("a block of a later kind is not sent to the model");
    }
}
