//! The hash that ties an answer to what it was given for.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The SHA-256 of the arguments of a tool call, as hexadecimal digits. The order of the keys of an
/// object makes no difference.
///
/// ```
/// use ropewalk_core::input_hash;
/// use serde_json::json;
///
/// assert_eq!(input_hash(&json!({"a": 1, "b": 2})), input_hash(&json!({"b": 2, "a": 1})));
/// assert_ne!(input_hash(&json!({"a": 1})), input_hash(&json!({"a": "1"})));
/// ```
pub fn input_hash(input: &Value) -> String {
    let mut hash = Sha256::new();
    feed(&mut hash, input);
    hex(&hash.finalize())
}

/// The SHA-256 of texts, each apart from its neighbours.
pub(crate) fn bind<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        text(&mut hash, part);
    }
    hex(&hash.finalize())
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            hash.update(b"{");
            hash.update((keys.len() as u64).to_le_bytes());
            for key in keys {
                text(hash, key);
                feed(hash, &map[key]);
            }
        }
        Value::Array(items) => {
            hash.update(b"[");
            hash.update((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| feed(hash, item));
        }
        Value::String(string) => {
            hash.update(b"\"");
            text(hash, string);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            hash.update(b"=");
            text(hash, &value.to_string());
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
