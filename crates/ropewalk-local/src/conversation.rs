//! A conversation as this crate needs it.

use ropewalk_core::{ContentBlock, Message, ModelRequest, Role, ToolStatus, ToolUse};
use serde_json::{Value, json};

use crate::guided::Outcome;
use crate::vocabulary::Vocabulary;

/// The turn that is to be answered.
#[derive(Debug)]
pub(crate) struct Turn {
    /// What the person said last.
    pub(crate) request: String,
    /// What tools gave since then.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Turn {
    pub(crate) fn of(request: &ModelRequest) -> Self {
        let messages = &request.messages;
        let said = |m: &Message| m.role == Role::User && !text(m).trim().is_empty();
        let start = messages.iter().rposition(|m| said(m)).unwrap_or(0);
        let mut outcomes = Vec::new();
        let mut uses: Vec<&ToolUse> = Vec::new();
        for (place, message) in messages.iter().enumerate().skip(start.saturating_sub(1)) {
            uses.extend(message.tool_uses());
            // Results in the message that asks are those of an earlier turn.
            if place <= start {
                continue;
            }
            for result in message.results() {
                let of = uses.iter().find(|u| u.tool_use_id == result.tool_use_id);
                outcomes.push(Outcome {
                    tool: of.map_or_else(|| "the tool".into(), |u| u.name.clone()),
                    input: of.map_or(Value::Null, |u| u.input.clone()),
                    text: result.text(),
                    failed: result.status == ToolStatus::Error,
                });
            }
        }
        let request = messages.get(start).map(|m| text(m)).unwrap_or_default();
        Self { request, outcomes }
    }
}

/// The text of a message; what is no text is named.
fn text(message: &Message) -> String {
    let mut parts = Vec::new();
    for block in &message.content {
        match block {
            ContentBlock::Text(text) => parts.push(text.clone()),
            ContentBlock::CitationsContent(cited) => {
                parts.extend(cited.content.iter().map(|part| part.text.clone()));
            }
            ContentBlock::Image(_) => parts.push("[a picture, which this model cannot see]".into()),
            ContentBlock::Document(d) => {
                parts.push(format!("[the document {}, which this model cannot read]", d.name));
            }
            _ => {}
        }
    }
    parts.join("\n")
}

/// Messages for a chat template, with tool calls and results where `tools` says so.
pub(crate) fn chat(
    request: &ModelRequest,
    vocabulary: &Vocabulary,
    extra_system: Option<&str>,
    tools: bool,
) -> Vec<Value> {
    let mut chat: Vec<Value> = Vec::new();
    let system = request.system.as_ref().and_then(|s| s.text());
    let system: Vec<&str> = system.as_deref().into_iter().chain(extra_system).collect();
    if !system.is_empty() {
        chat.push(json!({"role": "system", "content": system.join("\n\n")}));
    }
    for message in &request.messages {
        let shielded = vocabulary.shield(&text(message));
        let calls: Vec<Value> = message.tool_uses().filter(|_| tools).map(call).collect();
        for result in message.results().filter(|_| tools) {
            let content = vocabulary.shield(&result.text());
            let content = if result.status == ToolStatus::Error && !content.starts_with("Error") {
                format!("Error: {content}")
            } else {
                content
            };
            chat.push(json!({"role": "tool", "content": content}));
        }
        let role = if message.role == Role::User { "user" } else { "assistant" };
        if !calls.is_empty() {
            chat.push(json!({"role": role, "content": shielded, "tool_calls": calls}));
        } else if !shielded.trim().is_empty() {
            push_text(&mut chat, role, shielded);
        }
    }
    chat
}

fn call(tool_use: &ToolUse) -> Value {
    let function = json!({"name": tool_use.name, "arguments": tool_use.input});
    json!({"type": "function", "id": tool_use.tool_use_id, "function": function})
}

/// Two messages of one role in a row become one: many templates insist on turns.
fn push_text(chat: &mut Vec<Value>, role: &str, text: String) {
    if let Some(last) = chat.last_mut()
        && last["role"] == role
        && last.get("tool_calls").is_none()
        && let Some(before) = last["content"].as_str()
    {
        last["content"] = json!(format!("{before}\n\n{text}"));
        return;
    }
    chat.push(json!({"role": role, "content": text}));
}

#[cfg(test)]
mod tests;
