//! The conversation, as the interface wants it.

use ropewalk_core::{
    ContentBlock, Error, ErrorKind, Message, ModelRequest, ReasoningContent, Role, ToolResult,
    ToolResultContent, ToolUse, tool_name_problem,
};
use serde_json::{Map, Value, json};

use super::config::Config;
use super::media::{audio, document, image};

/// What stands for a text of the model that says nothing: servers refuse empty ones.
const BLANK: &str = "[blank text]";
/// What stands for a name that no tool can have: servers refuse a conversation with such a call. The history
/// keeps what the model wrote.
const INVALID_NAME: &str = "INVALID_TOOL_NAME";

/// The messages of a request: the system prompt first, then the conversation.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a block that the interface can't carry, with its place.
pub(super) fn messages(request: &ModelRequest, config: &Config) -> Result<Vec<Value>, Error> {
    let mut messages = Vec::new();
    if let Some(text) = request.system.as_ref().and_then(|system| system.text()) {
        messages.push(json!({"role": "system", "content": text}));
    }
    for (at, message) in request.messages.iter().enumerate() {
        let rendered = match message.role {
            Role::User => user(message, &mut messages),
            Role::Assistant => assistant(message, config).map(|message| messages.extend(message)),
        };
        rendered.map_err(|error| error.context(format_args!("{}: message {at}", config.id)))?;
    }
    Ok(messages)
}

/// Tool results come first, each as a message of its own: nothing may stand between them and the
/// calls they answer. What the role `tool` can't carry follows with the user's own words.
fn user(message: &Message, messages: &mut Vec<Value>) -> Result<(), Error> {
    let mut parts = Vec::new();
    for result in message.results() {
        messages.push(tool_result(result, &mut parts)?);
    }
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => parts.push(text_part(text)),
            ContentBlock::Image(block) => parts.push(image(block)?),
            ContentBlock::Document(block) => parts.push(document(block)?),
            ContentBlock::Audio(block) => parts.push(audio(block)?),
            ContentBlock::GuardContent(guarded) => parts.push(text_part(&guarded.text.text)),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| text_part(&part.text)));
            }
            ContentBlock::ToolResult(_) | ContentBlock::CachePoint(_) => {}
            ContentBlock::Unknown(block) => warn_unknown(block),
            other => return Err(unsupported(other, "a user message")),
        }
    }
    if !parts.is_empty() {
        messages.push(json!({"role": "user", "content": content(parts)}));
    }
    Ok(())
}

fn assistant(message: &Message, config: &Config) -> Result<Option<Value>, Error> {
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
            ContentBlock::ToolUse(tool_use) => calls.push(call(tool_use)),
            ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(reasoning)) => {
                thoughts.push_str(&reasoning.text);
            }
            // Sealed thoughts are another provider's: no server of this interface can open them.
            ContentBlock::ReasoningContent(_) | ContentBlock::CachePoint(_) => {}
            ContentBlock::Unknown(block) => warn_unknown(block),
            other => return Err(unsupported(other, "a message of the model")),
        }
    }
    let is_blank = |part: &Value| {
        part.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
    };
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
    if let Some(field) = config.reasoning_field.as_deref().filter(|_| !thoughts.is_empty()) {
        // A message of thoughts alone still needs a content.
        if std::mem::take(&mut is_empty) {
            rendered.insert("content".into(), BLANK.into());
        }
        rendered.insert(field.into(), thoughts.into());
    }
    // Nothing is left of a message of thoughts that are not sent: it goes with them.
    Ok((!is_empty).then_some(Value::Object(rendered)))
}

fn call(tool_use: &ToolUse) -> Value {
    let name = match tool_name_problem(&tool_use.name) {
        None => &tool_use.name,
        Some(_) => INVALID_NAME,
    };
    json!({
        "id": tool_use.tool_use_id,
        "type": "function",
        "function": {"name": name, "arguments": tool_use.input.to_string()},
    })
}

/// The message of one tool result. Its pictures and documents go to `parts`, with a word about
/// where they belong.
fn tool_result(result: &ToolResult, parts: &mut Vec<Value>) -> Result<Value, Error> {
    let id = &result.tool_use_id;
    let mut texts = Vec::new();
    for item in &result.content {
        match item {
            ToolResultContent::Text(text) => texts.push(text.clone()),
            ToolResultContent::Json(value) => texts.push(value.to_string()),
            ToolResultContent::Image(block) => {
                texts.push("[The image is in the user message after the tool results.]".to_owned());
                parts.push(text_part(&format!("Image from the result of the tool call {id}:")));
                parts.push(image(block)?);
            }
            ToolResultContent::Document(block) => {
                let name = &block.name;
                texts.push(format!(
                    "[The document `{name}` is in the user message after the tool results.]"
                ));
                parts.push(text_part(&format!("Document from the result of the tool call {id}:")));
                parts.push(document(block)?);
            }
            ToolResultContent::Unknown(item) => warn_unknown(item),
            other => {
                let text = format!("a tool result can't hold {other:?} for this server");
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        }
    }
    Ok(json!({"role": "tool", "tool_call_id": id, "content": texts.join("\n")}))
}

pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "text", "text": text})
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

fn unsupported(block: &ContentBlock, place: &str) -> Error {
    let what = match block {
        ContentBlock::Video(_) => "a film",
        ContentBlock::Audio(_) => "sound",
        ContentBlock::Image(_) => "a picture",
        ContentBlock::Document(_) => "a document",
        ContentBlock::ReasoningContent(_) => "thoughts",
        _ => "such a block",
    };
    let text = format!(
        "{place} can't carry {what} to an OpenAI-compatible server: leave it out, or use a model \
         of another provider"
    );
    Error::new(ErrorKind::Unsupported, text)
}

fn warn_unknown(block: &Map<String, Value>) {
    let keys: Vec<&str> = block.keys().map(String::as_str).collect();
    tracing::warn!(?keys, "a block of an unknown kind is not sent to the model");
}
