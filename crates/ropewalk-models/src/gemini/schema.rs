//! JSON Schemas, as the interface takes them. Keywords that it does not know it passes over.

use serde_json::{Map, Value};

/// The schema with what the interface would refuse or misread said in another way.
pub(super) fn fitted(schema: &Value) -> Value {
    match schema {
        Value::Object(keywords) => Value::Object(fitted_keywords(keywords)),
        Value::Array(schemas) => schemas.iter().map(fitted).collect(),
        other => other.clone(),
    }
}

fn fitted_keywords(keywords: &Map<String, Value>) -> Map<String, Value> {
    // Beside a reference it takes no other keywords.
    let is_reference = keywords.contains_key("$ref");
    let kept = keywords.iter().filter(|(key, _)| !is_reference || key.starts_with('$'));
    let mut fitted_ones: Map<String, Value> = kept
        .map(|(key, value)| {
            let value = match (key.as_str(), value) {
                // Here keys are names and not keywords.
                (
                    "properties" | "$defs" | "definitions" | "patternProperties",
                    Value::Object(named),
                ) => named.iter().map(|(name, schema)| (name.clone(), fitted(schema))).collect(),
                // These hold values and not schemas.
                ("enum" | "const" | "default" | "example" | "examples" | "required", value) => {
                    value.clone()
                }
                (_, value) => fitted(value),
            };
            (key.clone(), value)
        })
        .collect();
    // `const` is none of its keywords: without this any value would do.
    if !fitted_ones.contains_key("enum")
        && let Some(only) = fitted_ones.remove("const")
    {
        fitted_ones.insert("enum".into(), vec![only].into());
    }
    fitted_ones
}

/// Whether it is the schema of an object that has no properties.
pub(super) fn is_empty(schema: &Value) -> bool {
    let Some(keywords) = schema.as_object() else { return false };
    let holds_none = |key: &str| match keywords.get(key) {
        None | Some(Value::Bool(false)) => true,
        Some(Value::Object(named)) => named.is_empty() && key == "properties",
        Some(_) => false,
    };
    ["properties", "patternProperties", "additionalProperties", "$ref", "anyOf", "oneOf", "allOf"]
        .into_iter()
        .all(holds_none)
}
