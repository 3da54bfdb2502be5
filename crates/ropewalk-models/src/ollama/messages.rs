//! The conversation, as the interface wants it.

use ropewalk_core::{
    ContentBlock, DocumentBlock, ImageBlock, Message, ModelRequest, ReasoningContent,
    ReasoningText, Role, Source, ToolResult, ToolResultContent, ToolUse,
};
use serde_json::{Map, Value, json};

use crate::media::{document_text, left_out, warn_unknown};
use crate::render::{arguments, called, tool_name};

/// Why something can't stand in a message of the model.
const OF_MODEL: &str = "a message of the model can't hold it here";

/// What a message says and shows: the interface keeps the two apart.
#[derive(Debug, Default)]
struct Content {
    texts: Vec<String>,
    /// In base64.
    images: Vec<String>,
}

/// The system prompt, as the first message; empty if there is none.
pub(super) fn system(request: &ModelRequest) -> String {
    let text = request.system.as_ref().and_then(|system| system.text());
    text.map(|text| json!({"role": "system", "content": text}).to_string()).unwrap_or_default()
}

/// A message, as one or several of the interface's, or none.
pub(super) fn message(message: &Message, before: Option<&Message>) -> String {
    let rendered = match message.role {
        Role::User => user(message, before),
        Role::Assistant => vec![assistant(message)],
    };
    rendered.iter().map(Value::to_string).collect::<Vec<_>>().join(",")
}

/// Tool results come first, each as a message of its own. Their pictures follow with the user's own words.
fn user(message: &Message, before: Option<&Message>) -> Vec<Value> {
    let mut content = Content::default();
    let mut messages: Vec<Value> =
        message.results().map(|result| tool_result(result, before, &mut content)).collect();
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => content.texts.push(text.clone()),
            ContentBlock::GuardContent(guarded) => content.texts.push(guarded.text.text.clone()),
            ContentBlock::CitationsContent(cited) => {
                content.texts.extend(cited.content.iter().map(|part| part.text.clone()));
            }
            ContentBlock::Image(block) => content.image(block),
            ContentBlock::Document(block) => content.texts.push(document(block)),
            ContentBlock::Audio(_) => content.lacks("sound"),
            ContentBlock::Video(_) => content.lacks("a film"),
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("thoughts in a user message are not sent to the model");
            }
            ContentBlock::ToolResult(_) | ContentBlock::CachePoint(_) => {}
            // A transcript holds neither under this role.
            ContentBlock::ToolUse(_) | ContentBlock::InterruptResponse(_) => {}
            other => warn_other(other),
        }
    }
    // Where somebody said nothing at all, nothing is what is sent: templates count on turns.
    if messages.is_empty() || !content.is_empty() {
        messages.push(content.into_message());
    }
    messages
}

fn assistant(message: &Message) -> Value {
    let mut content = Content::default();
    let mut calls = Vec::new();
    let mut thoughts = Vec::new();
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => content.texts.push(text.clone()),
            ContentBlock::GuardContent(guarded) => content.texts.push(guarded.text.text.clone()),
            ContentBlock::CitationsContent(cited) => {
                content.texts.extend(cited.content.iter().map(|part| part.text.clone()));
            }
            ContentBlock::ToolUse(tool_use) => calls.push(call(tool_use)),
            ContentBlock::ReasoningContent(reasoning) => match reasoning {
                ReasoningContent::ReasoningText(ReasoningText {
                    text, signature: None, ..
                }) => {
                    thoughts.push(text.as_str());
                }
                _ => tracing::warn!("thoughts of another provider are not sent to the model"),
            },
            ContentBlock::CachePoint(_) => {}
            ContentBlock::Image(_) => content.texts.push(left_out("a picture", OF_MODEL)),
            ContentBlock::Document(_) => content.texts.push(left_out("a document", OF_MODEL)),
            ContentBlock::Audio(_) => content.texts.push(left_out("sound", OF_MODEL)),
            ContentBlock::Video(_) => content.texts.push(left_out("a film", OF_MODEL)),
            // A transcript holds neither under this role.
            ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
            other => warn_other(other),
        }
    }
    let mut rendered = Map::new();
    rendered.insert("role".into(), "assistant".into());
    rendered.insert("content".into(), content.texts.join("\n").into());
    if !thoughts.is_empty() {
        rendered.insert("thinking".into(), thoughts.join("\n").into());
    }
    if !calls.is_empty() {
        rendered.insert("tool_calls".into(), calls.into());
    }
    Value::Object(rendered)
}

fn call(tool_use: &ToolUse) -> Value {
    json!({
        "id": tool_use.tool_use_id,
        "type": "function",
        "function": {"name": tool_name(&tool_use.name), "arguments": arguments(&tool_use.input)},
    })
}

/// The message of one tool result. Its pictures go to `behind`, with a word about where they belong.
fn tool_result(result: &ToolResult, before: Option<&Message>, behind: &mut Content) -> Value {
    let id = &result.tool_use_id;
    let name = called(before, id);
    let mut texts = Vec::new();
    for item in &result.content {
        match item {
            ToolResultContent::Text(text) => texts.push(text.clone()),
            ToolResultContent::Json(value) => texts.push(value.to_string()),
            ToolResultContent::Image(block) => {
                texts.push("[The image is in the user message after the tool results.]".to_owned());
                behind.texts.push(format!("Image from the result of the tool `{name}`."));
                behind.image(block);
            }
            ToolResultContent::Document(block) => texts.push(document(block)),
            ToolResultContent::Unknown(item) => warn_unknown(item),
            _ => tracing::warn!("a part of a tool result of a later kind is not sent to the model"),
        }
    }
    json!({"role": "tool", "content": texts.join("\n"), "tool_name": name, "tool_call_id": id})
}

/// A document of plain text.
fn document(block: &DocumentBlock) -> String {
    let left_out = |why: &str| left_out(&format!("the document `{}`", block.name), why);
    match document_text(block) {
        Some(Ok(text)) => text,
        Some(Err(why)) => left_out(why),
        None => left_out(&format!("its format `{}` can't be sent, plain text can", block.format)),
    }
}

impl Content {
    fn image(&mut self, block: &ImageBlock) {
        match &block.source {
            Source::Bytes(bytes) => self.images.push(bytes.to_base64()),
            _ => self.texts.push(left_out("a picture", "its bytes are not in the message")),
        }
    }

    fn lacks(&mut self, what: &str) {
        self.texts.push(left_out(what, "this interface takes none"));
    }

    fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.images.is_empty()
    }

    fn into_message(self) -> Value {
        let mut rendered = Map::new();
        rendered.insert("role".into(), "user".into());
        rendered.insert("content".into(), self.texts.join("\n").into());
        if !self.images.is_empty() {
            rendered.insert("images".into(), self.images.into());
        }
        Value::Object(rendered)
    }
}

fn warn_other(block: &ContentBlock) {
    if let ContentBlock::Unknown(block) = block {
        warn_unknown(block);
    } else {
        tracing::warn!("a block of a later kind is not sent to the model");
    }
}
