//! Reading a property's JSON schema: what values it allows.

use serde_json::{Value, json};

/// The schema without the alternative "or null".
pub(super) fn plain(schema: &Value) -> &Value {
    for key in ["anyOf", "oneOf"] {
        if let Some(all) = schema.get(key).and_then(Value::as_array) {
            let mut real = all.iter().filter(|s| s.get("type") != Some(&json!("null")));
            if let (Some(only), None) = (real.next(), real.next()) {
                return only;
            }
        }
    }
    schema
}

pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(all)) => {
            all.iter().filter_map(Value::as_str).filter(|t| *t != "null").collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn enumerated(schema: &Value) -> Option<Vec<Value>> {
    if let Some(Value::Array(values)) = schema.get("enum") {
        let values: Vec<Value> = values.iter().filter(|v| !v.is_null()).cloned().collect();
        return (!values.is_empty()).then_some(values);
    }
    // An enumeration of constants, as derived schemas write it.
    let Some(Value::Array(all)) = schema.get("oneOf").or_else(|| schema.get("anyOf")) else {
        return None;
    };
    all.iter().map(|one| one.get("const").cloned()).collect()
}

pub(super) fn pattern(schema: &Value) -> Option<fancy_regex::Regex> {
    let pattern = schema.get("pattern")?.as_str()?;
    fancy_regex::Regex::new(pattern)
        .inspect_err(|error| tracing::warn!(pattern, %error, "the pattern can't be used"))
        .ok()
}

pub(super) fn fits_length(schema: &Value, text: &str) -> bool {
    let length = text.chars().count() as u64;
    let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
    limit("minLength").is_none_or(|min| length >= min)
        && limit("maxLength").is_none_or(|max| length <= max)
}

pub(super) fn within(schema: &Value, value: f64) -> bool {
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    limit("minimum").is_none_or(|min| value >= min)
        && limit("maximum").is_none_or(|max| value <= max)
        && limit("exclusiveMinimum").is_none_or(|min| value > min)
        && limit("exclusiveMaximum").is_none_or(|max| value < max)
}

pub(super) fn as_number(text: &str, integer: bool) -> Option<Value> {
    let value: f64 = text.parse().ok()?;
    if value.fract() == 0.0 && value.abs() < 9e15 && (integer || !text.contains('.')) {
        return Some(json!(value as i64));
    }
    Some(json!(value))
}
