//! Writing one tool call, always valid.

use ropewalk_core::ToolSpec;
use serde_json::Value;

use crate::engine::{Ending, Engine, Sampling, Session};
use crate::error::Result;

/// How a family of models writes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// `<tool_call>` around `{"name": …, "arguments": …}` (Qwen, Hermes).
    Tagged,
    /// `{"name": …, "parameters": …}` (Llama 3).
    Parameters,
    /// `{"name": …, "arguments": …}`.
    Plain,
}

impl Format {
    pub(super) fn of(engine: &Engine) -> Self {
        if engine.template.marks_tool_calls() {
            Self::Tagged
        } else if engine.template.says_parameters() {
            Self::Parameters
        } else {
            Self::Plain
        }
    }

    pub(super) fn open(self) -> &'static str {
        match self {
            Self::Tagged => "<tool_call>\n{\"name\": \"",
            Self::Parameters | Self::Plain => "{\"name\": \"",
        }
    }

    pub(super) fn close(self) -> &'static str {
        match self {
            Self::Tagged => "\n</tool_call>",
            Self::Parameters | Self::Plain => "",
        }
    }

    /// Whether several calls may follow one another.
    pub(super) fn several(self) -> bool {
        self == Self::Tagged
    }

    fn arguments(self) -> &'static str {
        if self == Self::Parameters { "\", \"parameters\": " } else { "\", \"arguments\": " }
    }
}

/// Writes the rest of a call after its opening. None if the room for it ran out.
pub(super) fn write(
    engine: &Engine,
    session: &mut Session<'_>,
    tools: &[&ToolSpec],
    format: &Format,
    sampling: &Sampling,
) -> Result<Option<(String, Value)>> {
    let names: Vec<Vec<u8>> =
        tools.iter().map(|t| format!("{}{}", t.name, format.arguments()).into_bytes()).collect();
    let Some(chosen) = session.write_among(&names)? else { return Ok(None) };
    let tool = tools[chosen];
    let mut grammar =
        engine.grammars()?.json(&closed(&tool.input_schema), &format!("`{}`", tool.name))?;
    let mut text = String::new();
    let ending = session.write_grammar(&mut grammar, sampling, |piece| {
        text.push_str(piece);
        true
    })?;
    if ending != Ending::Done {
        return Ok(None);
    }
    session.push(&engine.vocabulary.encode("}"))?;
    Ok(serde_json::from_str(&text).ok().map(|input| (tool.name.clone(), input)))
}

/// The schema without room for arguments that it does not name: models fill such room with inventions.
fn closed(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut()
        && object.contains_key("properties")
    {
        object.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    schema
}
