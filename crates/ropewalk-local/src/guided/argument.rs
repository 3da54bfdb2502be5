//! The arguments of a tool, as its schema and its examples describe them.

use ropewalk_core::ToolSpec;
use serde_json::Value;

use super::brief;
use super::schema::{enumerated, plain};
use super::shape::Shape;

/// Stands for an argument that is not given.
pub(super) const NONE: &str = "none";

/// One property of the tool's schema.
#[derive(Debug)]
pub(super) struct Argument<'t> {
    pub(super) key: &'t str,
    pub(super) schema: &'t Value,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

impl Argument<'_> {
    /// An optional argument that no example gives is asked for only when the request names it.
    pub(super) fn is_asked(&self, request: &str) -> bool {
        let lower = request.to_lowercase();
        let named = || self.key.to_lowercase().split(['_', '-']).all(|word| lower.contains(word));
        if self.required {
            return true;
        }
        match enumerated(self.schema) {
            Some(values) => values.iter().any(|v| mentions(&lower, &in_a_line(v))) || named(),
            None => self.shape.given > 0 || named(),
        }
    }
}

/// Whether a value, or the stem of it, occurs as a word.
fn mentions(request: &str, value: &str) -> bool {
    let value = value.to_lowercase();
    let stem: String = value.chars().take(value.chars().count().clamp(1, 5)).collect();
    request.split(|c: char| !c.is_alphanumeric()).any(|word| word.starts_with(&stem))
}

pub(super) fn arguments(tool: &ToolSpec) -> Vec<Argument<'_>> {
    let Some(properties) = tool.input_schema.get("properties").and_then(Value::as_object) else {
        return Vec::new();
    };
    let required: Vec<&str> = tool
        .input_schema
        .get("required")
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let order = |key: &str| required.iter().position(|r| *r == key).unwrap_or(usize::MAX);
    let mut all: Vec<Argument<'_>> = properties
        .iter()
        .map(|(key, schema)| Argument {
            key,
            schema: plain(schema),
            required: required.contains(&key.as_str()),
            shape: Shape::learn(&tool.examples, key),
        })
        .collect();
    all.sort_by_key(|argument| order(argument.key));
    all
}

/// The tool with its examples, in the form that the request is then shown in.
pub(super) fn examples(tool: &ToolSpec, shown: &[&Argument<'_>]) -> String {
    let mut text = format!("Tool: {}\nDescription: {}\n", tool.name, brief(&tool.description, 240));
    for argument in shown {
        if let Some(description) = argument.schema.get("description").and_then(Value::as_str) {
            text.push_str(&format!("{}: {}\n", argument.key, brief(description, 120)));
        }
    }
    text.push('\n');
    for example in &tool.examples {
        text.push_str(&format!("Request: {}\n", brief(&example.request, 400)));
        for argument in shown {
            let value = example.input.get(argument.key).map_or_else(|| NONE.into(), in_a_line);
            text.push_str(&format!("{}: {value}\n", argument.key));
        }
        text.push('\n');
    }
    text
}

pub(super) fn in_a_line(value: &Value) -> String {
    match value {
        Value::String(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Null => NONE.into(),
        other => other.to_string(),
    }
}

pub(super) fn keys(tool: &ToolSpec) -> String {
    let properties = tool.input_schema.get("properties").and_then(Value::as_object);
    properties.map(|p| p.keys().cloned().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}
