//! What a tool gave.

use serde_json::Value;

/// The result of one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// The tool.
    pub(crate) tool: String,
    /// What it was given.
    pub(crate) input: Value,
    /// What came back.
    pub(crate) text: String,
    /// Whether it is an error.
    pub(crate) failed: bool,
}

impl Outcome {
    /// The result in a tool's example.
    pub(super) fn example(text: &str) -> Self {
        Self { tool: String::new(), input: Value::Null, text: text.into(), failed: false }
    }

    /// The result as a person reads it: flattened if that is not longer than `most` bytes, else as it came.
    pub(super) fn readable(&self, most: usize) -> String {
        let plain = self.plain();
        let long = plain.len() > most && !self.text.trim_start().starts_with('"');
        if long { self.text.trim().to_owned() } else { plain }
    }

    /// The result as a person reads it: JSON flattened to `key: value`.
    pub(super) fn plain(&self) -> String {
        match serde_json::from_str::<Value>(self.text.trim()) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => flat(&value),
            Ok(Value::String(text)) => text,
            _ => self.text.trim().to_owned(),
        }
    }

    /// Values that an answer must show.
    pub(super) fn facts(&self) -> Vec<String> {
        let mut facts = Vec::new();
        match serde_json::from_str::<Value>(self.text.trim()) {
            Ok(value @ (Value::Object(_) | Value::Array(_))) => collect(&value, &mut facts),
            _ => facts.push(self.plain()),
        }
        facts
    }
}

fn flat(value: &Value) -> String {
    match value {
        Value::Object(all) => {
            let pair = |(key, value): (&String, &Value)| format!("{key}: {}", flat(value));
            all.iter().map(pair).collect::<Vec<_>>().join(", ")
        }
        Value::Array(all) => all.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn collect(value: &Value, facts: &mut Vec<String>) {
    match value {
        Value::Object(all) => all.values().for_each(|v| collect(v, facts)),
        Value::Array(all) => all.iter().for_each(|v| collect(v, facts)),
        Value::String(text) => facts.push(text.clone()),
        Value::Number(number) => facts.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}
