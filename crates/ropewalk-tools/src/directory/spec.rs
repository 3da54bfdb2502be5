//! What a program says of itself.

use std::path::Path;
use std::time::Duration;

use ropewalk_core::{Replay, ToolSpec, tool_name_problem};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::process::{self, End, Output};

/// The longest spec, in bytes.
const MOST: usize = 256 * 1024;

/// How much of what is wrong is shown, in characters.
const SHOWN: usize = 300;

/// What a program says of itself.
pub(super) struct Printed {
    pub(super) spec: ToolSpec,
    pub(super) replay: Replay,
}

/// Runs a program that prints its spec. The error says why there is none.
pub(super) async fn ask(
    command: Command,
    path: &Path,
    timeout: Duration,
) -> Result<Printed, String> {
    let never = std::future::pending();
    let ended = process::run(command, None, Output::whole_up_to(MOST), timeout, never)
        .await
        .map_err(|error| format!("it can't be run: {error}"))?;
    match ended.end {
        End::Exit(status) if status.success() => {}
        End::Exit(status) => {
            let said = end_of(&ended.err.text());
            return Err(format!("with `--tool-spec` it failed ({status}){said}"));
        }
        End::Timeout | End::Cancelled => {
            let seconds = timeout.as_secs_f64();
            return Err(format!("with `--tool-spec` it printed no spec within {seconds} seconds"));
        }
    }
    let printed = ended
        .out
        .whole()
        .ok_or_else(|| format!("what it prints with `--tool-spec` is longer than {MOST} bytes"))?;
    read(printed, path)
}

/// Reads what was printed.
fn read(printed: &[u8], path: &Path) -> Result<Printed, String> {
    let mut object: Map<String, Value> = serde_json::from_slice(printed).map_err(|error| {
        let said = end_of(&String::from_utf8_lossy(printed));
        format!("what it prints with `--tool-spec` is no JSON object: {error}{said}")
    })?;
    if !object.contains_key("name") {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        object.insert("name".to_owned(), stem.into());
    }
    object.entry("inputSchema").or_insert_with(|| json!({"type": "object", "properties": {}}));
    for key in ["inputSchema", "outputSchema"] {
        if let Some(schema) = object.get_mut(key)
            && !is_under_json(schema)
        {
            *schema = json!({"json": schema.take()});
        }
    }
    let replay = match object.remove("replay") {
        None => Replay::default(),
        Some(replay) => Replay::deserialize(&replay)
            .map_err(|_| format!("`replay` is {replay}: give `never`, `idempotent` or `pure`"))?,
    };
    let spec = ToolSpec::deserialize(Value::Object(object))
        .map_err(|error| format!("what it prints with `--tool-spec` is no spec: {error}"))?;
    if let Some(problem) = tool_name_problem(&spec.name) {
        return Err(problem);
    }
    if spec.description.trim().is_empty() {
        return Err("its `description` is empty: say what it does and when to use it".to_owned());
    }
    if !spec.input_schema.is_object() {
        return Err(format!("its `inputSchema` is no JSON Schema: {}", spec.input_schema));
    }
    Ok(Printed { spec, replay })
}

/// Whether a schema stands under `json`, as in Strands.
fn is_under_json(schema: &Value) -> bool {
    schema.as_object().is_some_and(|object| object.len() == 1 && object.contains_key("json"))
}

/// The end of a text, for an error.
fn end_of(text: &str) -> String {
    let text = text.trim();
    let Some((first, _)) = text.char_indices().rev().nth(SHOWN) else {
        return if text.is_empty() { String::new() } else { format!("; it printed: {text}") };
    };
    format!("; it printed: …{}", &text[first..])
}
