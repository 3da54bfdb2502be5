//! What an answer for longer than once covers.

use ropewalk_core::ToolUse;
use serde_json::{Map, Value, json};

use crate::canonical::{canonical, sha256};
use crate::rule::{CheckedRule, Remember, pointer};

/// What an answer for longer than once covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Covered {
    /// The same for all calls that it covers, and for no others.
    pub(super) key: String,
    /// The same in words.
    pub(super) text: String,
}

impl Covered {
    /// What an answer to the question of this rule about this call covers.
    pub(super) fn by(rule: &CheckedRule, call: &ToolUse) -> Self {
        let tool = &call.name;
        let (what, text) = match &rule.rule.asking.remember {
            Remember::Call => {
                (json!({"call": call.input}), format!("`{tool}` with exactly these arguments"))
            }
            Remember::Arguments(paths) => {
                let (values, words) = values(paths, &call.input);
                let text = format!("`{tool}` whenever {words}, whatever its other arguments are");
                (json!({"arguments": values}), text)
            }
            Remember::Tool => {
                let text = format!(
                    "every call of `{tool}` that the rule `{}` asks about, whatever its arguments are",
                    rule.label
                );
                (json!("tool"), text)
            }
        };
        let whole = json!({"rule": rule.fingerprint, "tool": tool, "what": what});
        Self { key: sha256(canonical(&whole).as_bytes()), text }
    }
}

/// The values of these arguments, and the same in words. That one is not there is a value too.
fn values(paths: &[String], input: &Value) -> (Value, String) {
    let mut values = Map::new();
    let mut words = Vec::new();
    for path in paths {
        // The paths were checked with the rule.
        let value = pointer(path).ok().and_then(|pointer| input.pointer(&pointer));
        words.push(match value {
            Some(value) => format!("`{path}` is {}", canonical(value)),
            None => format!("`{path}` is not given"),
        });
        values.insert(path.clone(), value.map_or(json!([]), |value| json!([value])));
    }
    (Value::Object(values), words.join(" and "))
}
