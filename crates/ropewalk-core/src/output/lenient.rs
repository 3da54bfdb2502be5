//! What small models get wrong in JSON and can be mended without a doubt.

use serde_json::Value;

use crate::tool::unquote;

/// The value with quoted numbers and truth values taken out of their quotes, wherever the schema wants
/// such and no text.
pub(super) fn unquoted(value: &Value, schema: &Value) -> Value {
    match value {
        Value::String(text) => {
            let plain = wanted(schema).and_then(|wanted| unquote(text, wanted));
            plain.unwrap_or_else(|| value.clone())
        }
        Value::Object(fields) => {
            let properties = &schema["properties"];
            let field = |(key, value): (&String, &Value)| {
                (key.clone(), unquoted(value, properties.get(key).unwrap_or(&Value::Null)))
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::Array(items) => items.iter().map(|item| unquoted(item, &schema["items"])).collect(),
        other => other.clone(),
    }
}

/// The one type that the schema wants besides null.
fn wanted(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.next().filter(|_| kinds.next().is_none())
        }
        _ => None,
    }
}
