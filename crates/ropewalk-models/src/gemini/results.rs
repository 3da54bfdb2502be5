//! What tools gave, as parts of a message.

use ropewalk_core::{Message, ToolResult, ToolResultContent, ToolStatus};
use serde_json::{Value, json};

use super::contents::IDS;
use super::media::{document, image, text};
use crate::media::warn_unknown;
use crate::render::called;

/// What a function response can hold by itself, from the third generation on.
const IN_RESPONSES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "application/pdf"];

/// A tool result. Media that it can't hold go to `behind`, with a word about where they belong.
pub(super) fn function_response(
    result: &ToolResult,
    before: Option<&Message>,
    is_third: bool,
    behind: &mut Vec<Value>,
) -> Value {
    let id = &result.tool_use_id;
    let mut given = Vec::new();
    let mut inside = Vec::new();
    for item in &result.content {
        let (parts, what) = match item {
            ToolResultContent::Text(text) => {
                given.push(Value::from(text.as_str()));
                continue;
            }
            ToolResultContent::Json(value) => {
                given.push(value.clone());
                continue;
            }
            ToolResultContent::Image(block) => (vec![image(block)], "picture".to_owned()),
            ToolResultContent::Document(block) => {
                (document(block), format!("document `{}`", block.name))
            }
            ToolResultContent::Unknown(item) => {
                warn_unknown(item);
                continue;
            }
            _ => {
                tracing::warn!("a part of a tool result of a later kind is not sent to the model");
                continue;
            }
        };
        let mut media = Vec::new();
        for part in parts {
            match part.get("text") {
                Some(words) => given.push(words.clone()),
                None => media.push(part),
            }
        }
        if is_third && media.iter().all(is_taken) {
            inside.extend(media);
        } else if !media.is_empty() {
            given.push(format!("[The {what} is behind the tool results.]").into());
            behind.push(text(&format!("The {what} from the result of the tool call {id}:")));
            behind.extend(media);
        }
    }
    let given = match given.len() {
        0 => "".into(),
        1 => given.swap_remove(0),
        _ => Value::Array(given),
    };
    let key = match result.status {
        ToolStatus::Success => "output",
        ToolStatus::Error => "error",
    };
    let mut response = json!({
        "id": IDS.fit(id),
        "name": called(before, id),
        "response": {key: given},
    });
    if let Value::Object(response) = &mut response
        && !inside.is_empty()
    {
        response.insert("parts".into(), inside.into());
    }
    json!({"functionResponse": response})
}

fn is_taken(part: &Value) -> bool {
    let mime = part.pointer("/inlineData/mimeType").and_then(Value::as_str);
    mime.is_some_and(|mime| IN_RESPONSES.contains(&mime))
}
