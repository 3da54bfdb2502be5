//! The model's thoughts, and what makes the server take them back.

use ropewalk_core::ReasoningText;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::kept::KEY;

/// What a `reasoning` item has beside its text. It is kept as the signature of the thoughts, under a name of its own, so
/// that no other provider takes it for its signature, nor this one another's.
#[derive(Debug, Serialize, Deserialize)]
struct Seal {
    /// Whose item it is: nobody else can read it.
    server: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encrypted_content: Option<String>,
    /// Whether the text is the thoughts themselves, as open models show them, and not a summary.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_plain: bool,
}

/// The texts of an item, one of a summary or the thoughts themselves, with a blank line between its parts. Whether it
/// is the latter.
pub(super) fn text(item: &Value) -> (String, bool) {
    let parts = |key: &str| -> Vec<&str> {
        let parts = item.get(key).and_then(Value::as_array).into_iter().flatten();
        parts.filter_map(|part| part.get("text")?.as_str()).collect()
    };
    let (summary, plain) = (parts("summary"), parts("content"));
    let is_plain = summary.is_empty() && !plain.is_empty();
    (if is_plain { plain } else { summary }.join("\n\n"), is_plain)
}

/// The signature that keeps an item's id and what is encrypted of it; none if it has neither.
pub(super) fn seal(item: &Value, server: &str) -> Option<String> {
    let text_of =
        |key: &str| Some(item.get(key)?.as_str()?.to_owned()).filter(|text| !text.is_empty());
    let seal = Seal {
        server: server.to_owned(),
        id: text_of("id"),
        encrypted_content: text_of("encrypted_content"),
        is_plain: text(item).1,
    };
    let is_empty = seal.id.is_none() && seal.encrypted_content.is_none();
    (!is_empty).then(|| json!({KEY: seal}).to_string())
}

/// The item of these thoughts, if they came from this server and it takes them back. `is_stored` is whether it keeps
/// its answers, and so knows an item by its id.
pub(super) fn item(thoughts: &ReasoningText, server: &str, is_stored: bool) -> Option<Value> {
    let sealed: Value = serde_json::from_str(thoughts.signature.as_deref()?).ok()?;
    let seal = Seal::deserialize(sealed.get(KEY)?).ok().filter(|seal| seal.server == server)?;
    let text = &thoughts.text;
    let is_known = seal.encrypted_content.is_some() || (is_stored && seal.id.is_some());
    if !is_known && (!seal.is_plain || text.is_empty()) {
        return None;
    }
    let part = |kind: &str| match text.is_empty() {
        true => json!([]),
        false => json!([{"type": kind, "text": text}]),
    };
    let mut item = json!({"type": "reasoning"});
    if seal.is_plain {
        item["summary"] = json!([]);
        item["content"] = part("reasoning_text");
    } else {
        item["summary"] = part("summary_text");
    }
    for (key, value) in [("id", seal.id), ("encrypted_content", seal.encrypted_content)] {
        if let Some(value) = value {
            item[key] = value.into();
        }
    }
    Some(item)
}
