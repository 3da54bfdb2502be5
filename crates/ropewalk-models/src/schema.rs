//! The JSON Schema that an answer must follow, as OpenAI's interfaces take it.

use serde_json::{Value, json};

/// A schema with a name, as strict as it can be.
pub(crate) fn format(schema: &Value) -> Value {
    let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
    let name: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .take(64)
        .collect();
    let name = if name.is_empty() { "answer".to_owned() } else { name };
    json!({"name": name, "schema": schema, "strict": fits_strict(schema)})
}

/// Whether a model of OpenAI's holds to schemas: all do but those that came before it.
pub(crate) fn is_held_to(model: &str) -> bool {
    const EARLIER: [&str; 6] =
        ["gpt-3.5", "gpt-4-", "gpt-4o-2024-05-13", "o1-mini", "o1-preview", "chatgpt-"];
    model != "gpt-4" && !EARLIER.iter().any(|earlier| model.starts_with(earlier))
}

/// Whether a schema is what OpenAI's strict mode takes: each object closed, with all its
/// properties required. Others would be refused under `strict`, and serve as guidance without.
fn fits_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            let properties = map.get("properties").and_then(Value::as_object);
            let is_object = map.get("type").is_some_and(|kind| {
                kind == "object"
                    || kind.as_array().is_some_and(|all| all.contains(&"object".into()))
            });
            let closed = map.get("additionalProperties") == Some(&Value::Bool(false));
            let required = map.get("required").and_then(Value::as_array);
            let all_required = properties.is_none_or(|properties| {
                properties.keys().all(|name| {
                    required.is_some_and(|names| names.iter().any(|other| other == name))
                })
            });
            (closed || !(is_object || properties.is_some()))
                && all_required
                && map.values().all(fits_strict)
        }
        Value::Array(items) => items.iter().all(fits_strict),
        _ => true,
    }
}
