//! A value that stands in a model's text.

use serde_json::{Value, json};

use super::OutputSchema;
use super::convert::WRAP;
use crate::message::{ContentBlock, Message};

/// Why there is no value in a text.
pub(crate) struct NoValue {
    /// There is JSON, which does not have the form.
    pub(crate) is_json: bool,
    /// What is wrong, for the model and for people.
    pub(crate) problem: String,
}

/// The value that a message is, if its text is nothing but that JSON, be it in a fenced block.
pub(crate) fn read(schema: &OutputSchema, message: &Message) -> Result<Value, NoValue> {
    let whole = message.text();
    let last = message.content.iter().rev().find_map(|block| match block {
        ContentBlock::Text(text) => Some(text.as_str()),
        _ => None,
    });
    let name = schema.name();
    let mut no_value =
        NoValue { is_json: false, problem: format!("The text is no JSON of a valid `{name}`.") };
    for text in [Some(whole.as_str()), last].into_iter().flatten() {
        let Some(json) = json_in(text) else { continue };
        match check(schema, json) {
            Ok(value) => return Ok(value),
            Err(problem) => no_value = NoValue { is_json: true, problem },
        }
    }
    Err(no_value)
}

fn check(schema: &OutputSchema, json: Value) -> Result<Value, String> {
    // In a text, what is no object needs nothing around it.
    let is_bare = schema.spec().wrapped && json.get(WRAP).is_none();
    let json = if is_bare { json!({WRAP: json}) } else { json };
    schema.check_or_refuse(&json)
}

/// The JSON that a text is: alone, or in one fenced block.
fn json_in(text: &str) -> Option<Value> {
    let text = text.trim();
    serde_json::from_str(text).ok().or_else(|| {
        let (_, fenced) = text.split_once("```")?;
        let (fenced, _) = fenced.rsplit_once("```")?;
        let start = fenced.find(['{', '['])?;
        serde_json::from_str(fenced.get(start..)?).ok()
    })
}
