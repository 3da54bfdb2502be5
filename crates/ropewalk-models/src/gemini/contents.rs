//! The conversation, as the interface wants it.

use std::sync::Arc;

use ropewalk_core::{
    ContentBlock, Message, ReasoningContent, ReasoningText, Role, ToolUse, Transcript,
};
use serde_json::{Map, Value, json};

use super::dialect::Gemini;
use super::media::{audio, document, film, image, text};
use super::results::function_response;
use crate::media::{left_out, warn_unknown};
use crate::render::{IdRule, arguments, tool_name, word};

/// What stands for a message that says nothing: the server refuses one without parts.
const BLANK: &str = "[blank text]";
/// Why something can't stand in a message of the model.
const OF_MODEL: &str = "a message of the model can't hold it here";
/// Ids of calls that other providers gave are sent as they are, if they are words.
pub(super) const IDS: IdRule = IdRule { longest: 128, takes: word, is_exact: false };
/// Marks signatures of these models in the history: the server refuses those of another provider.
const MARK: &str = "gemini:";
/// What Google wants in place of the signature of a call that none of its models made.
const FOREIGN: &str = "skip_thought_signature_validator";
/// Where the signature of a call stands in the history.
const CALL_SIGNATURE: &str = "reasoningSignature";

/// Under which key parts that are no blocks of ours stand in the history.
const OWN: &str = "gemini";

/// A part that is no block of ours (code that was run and what it gave, a picture that was made), as it stands in the
/// history.
pub(super) fn own(part: Map<String, Value>) -> Map<String, Value> {
    Map::from_iter([(OWN.to_owned(), part.into())])
}

/// A signature, as it stands in the history.
pub(super) fn marked(signature: &str) -> String {
    format!("{MARK}{signature}")
}

/// What a tool use keeps of its signature.
pub(super) fn signed(signature: Option<String>) -> Map<String, Value> {
    signature.map(|signature| (CALL_SIGNATURE.to_owned(), signature.into())).into_iter().collect()
}

/// The parts of a message, with commas between them.
pub(super) fn parts(message: &Message, before: Option<&Message>, gemini: &Gemini) -> String {
    let parts = match message.role {
        Role::User => user(message, before, gemini.is_third),
        Role::Assistant => model(message, gemini.is_third),
    };
    parts.iter().map(Value::to_string).collect::<Vec<_>>().join(",")
}

/// The list of contents: roles take turns, and the user begins, or calls are refused.
pub(super) fn grouped<'a>(messages: &Transcript, pieces: &'a [Arc<str>]) -> Vec<&'a str> {
    let mut json = vec!["["];
    let mut role = None;
    for (message, piece) in messages.iter().zip(pieces) {
        if piece.is_empty() {
            continue;
        }
        json.push(match (role, message.role) {
            (None, Role::User) => r#"{"role":"user","parts":["#,
            (None, Role::Assistant) => {
                r#"{"role":"user","parts":[{"text":"[blank text]"}]},{"role":"model","parts":["#
            }
            (Some(Role::Assistant), Role::User) => r#"]},{"role":"user","parts":["#,
            (Some(Role::User), Role::Assistant) => r#"]},{"role":"model","parts":["#,
            (Some(_), _) => ",",
        });
        json.push(piece);
        role = Some(message.role);
    }
    json.push(if role.is_some() { "]}]" } else { "]" });
    json
}

/// Tool results come first: they must follow the calls that they answer.
fn user(message: &Message, before: Option<&Message>, is_third: bool) -> Vec<Value> {
    let mut behind = Vec::new();
    let mut parts: Vec<Value> = message
        .results()
        .map(|result| function_response(result, before, is_third, &mut behind))
        .collect();
    parts.extend(behind);
    for block in &message.content {
        match block {
            ContentBlock::Text(words) => push_text(words, &mut parts),
            ContentBlock::GuardContent(guarded) => push_text(&guarded.text.text, &mut parts),
            ContentBlock::CitationsContent(cited) => {
                cited.content.iter().for_each(|part| push_text(&part.text, &mut parts));
            }
            ContentBlock::Image(block) => parts.push(image(block)),
            ContentBlock::Document(block) => parts.extend(document(block)),
            ContentBlock::Audio(block) => parts.push(audio(block)),
            ContentBlock::Video(block) => parts.push(film(block)),
            ContentBlock::ReasoningContent(_) => {
                tracing::warn!("thoughts in a user message are not sent to the model");
            }
            ContentBlock::ToolResult(_) | ContentBlock::CachePoint(_) => {}
            // A transcript holds neither under this role.
            ContentBlock::ToolUse(_) | ContentBlock::InterruptResponse(_) => {}
            ContentBlock::Unknown(block) if block.contains_key(OWN) => {
                parts.extend(block.get(OWN).cloned());
            }
            other => warn_other(other),
        }
    }
    filled(parts)
}

fn model(message: &Message, is_third: bool) -> Vec<Value> {
    let mut parts = Vec::new();
    // It stands before the text that it came with, or behind all text.
    let mut signature = None;
    let mut calls = message.tool_uses();
    // Where calls came together, only the first has a signature.
    let mut is_foreign = is_third && calls.all(|call| !call.extra.contains_key(CALL_SIGNATURE));
    for block in &message.content {
        match block {
            ContentBlock::ReasoningContent(reasoning) => {
                push_signature(signature.take(), &mut parts);
                signature = thoughts(reasoning, &mut parts);
            }
            ContentBlock::Text(words) => push_signed(words, &mut signature, &mut parts),
            ContentBlock::GuardContent(guarded) => push_text(&guarded.text.text, &mut parts),
            ContentBlock::CitationsContent(cited) => {
                for part in &cited.content {
                    push_signed(&part.text, &mut signature, &mut parts);
                }
            }
            ContentBlock::ToolUse(tool_use) => {
                push_signature(signature.take(), &mut parts);
                parts.push(call(tool_use, std::mem::take(&mut is_foreign)));
            }
            ContentBlock::CachePoint(_) => {}
            ContentBlock::Image(_) => parts.push(text(&left_out("a picture", OF_MODEL))),
            ContentBlock::Document(_) => parts.push(text(&left_out("a document", OF_MODEL))),
            ContentBlock::Audio(_) => parts.push(text(&left_out("sound", OF_MODEL))),
            ContentBlock::Video(_) => parts.push(text(&left_out("a film", OF_MODEL))),
            // A transcript holds neither under this role.
            ContentBlock::ToolResult(_) | ContentBlock::InterruptResponse(_) => {}
            ContentBlock::Unknown(block) if block.contains_key(OWN) => {
                push_signature(signature.take(), &mut parts);
                parts.extend(block.get(OWN).cloned());
            }
            other => warn_other(other),
        }
    }
    push_signature(signature, &mut parts);
    filled(parts)
}

/// Thoughts go back as they came, and their signature with what follows.
fn thoughts<'a>(reasoning: &'a ReasoningContent, parts: &mut Vec<Value>) -> Option<&'a str> {
    let ReasoningContent::ReasoningText(ReasoningText { text, signature, .. }) = reasoning else {
        tracing::warn!("sealed thoughts of another provider are not sent to the model");
        return None;
    };
    let own = signature.as_deref().map(|signature| signature.strip_prefix(MARK));
    if own == Some(None) {
        tracing::warn!("thoughts with the signature of another provider are not sent to the model");
        return None;
    }
    if !text.trim().is_empty() {
        parts.push(json!({"text": text, "thought": true}));
    }
    own.flatten().filter(|signature| is_base64(signature))
}

fn call(tool_use: &ToolUse, is_foreign: bool) -> Value {
    let kept = tool_use.extra.get(CALL_SIGNATURE).and_then(Value::as_str);
    let signature = kept.filter(|signature| is_base64(signature));
    let mut part = json!({"functionCall": {
        "id": IDS.fit(&tool_use.tool_use_id),
        "name": tool_name(&tool_use.name),
        "args": arguments(&tool_use.input),
    }});
    let signature = signature.or_else(|| is_foreign.then_some(FOREIGN));
    if let (Some(signature), Value::Object(part)) = (signature, &mut part) {
        part.insert("thoughtSignature".into(), signature.into());
    }
    part
}

/// Adds a text that says something: the server refuses empty ones.
fn push_text(words: &str, parts: &mut Vec<Value>) {
    if !words.trim().is_empty() {
        parts.push(text(words));
    }
}

/// Adds a text with the signature that came with it.
fn push_signed(words: &str, signature: &mut Option<&str>, parts: &mut Vec<Value>) {
    if words.trim().is_empty() {
        return;
    }
    parts.push(match signature.take() {
        Some(signature) => json!({"text": words, "thoughtSignature": signature}),
        None => text(words),
    });
}

/// Adds a signature that came by itself.
fn push_signature(signature: Option<&str>, parts: &mut Vec<Value>) {
    parts.extend(signature.map(|signature| json!({"text": "", "thoughtSignature": signature})));
}

/// With something in it that is not only thought, which the server wants.
fn filled(mut parts: Vec<Value>) -> Vec<Value> {
    let says = |part: &Value| part.get("thought").is_none() && part.get("text") != Some(&"".into());
    if !parts.iter().any(says) {
        parts.push(text(BLANK));
    }
    parts
}

/// Whether it has the form of a signature: others make the server refuse the whole request.
fn is_base64(signature: &str) -> bool {
    let takes = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    let is_base64 = !signature.is_empty() && signature.bytes().all(takes);
    if !is_base64 {
        tracing::warn!("a signature over thoughts that can't be one is not sent to the model");
    }
    is_base64
}

fn warn_other(block: &ContentBlock) {
    if let ContentBlock::Unknown(block) = block {
        warn_unknown(block);
    } else {
        tracing::warn!("a block of a later kind is not sent to the model");
    }
}
