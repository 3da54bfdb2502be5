//! What a spec must be to be told to a model.

use serde_json::{Map, Value};

use super::tool_name_problem;
use crate::error::{Error, ErrorKind};
use crate::model::ToolSpec;

/// How many levels of schemas may stand within each other, as in Strands.
const MAX_DEPTH: usize = 64;

/// The keys under which schemas stand by names of the user's.
const NAMED: [&str; 5] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/// The spec with what its schema leaves out: `type`, `properties`, `required`.
///
/// # Errors
/// [`ErrorKind::InvalidInput`]: its name is no tool name, its schema is not that of an object or is
/// nested too deep.
pub(super) fn normalised(spec: &ToolSpec) -> Result<ToolSpec, Error> {
    if let Some(problem) = tool_name_problem(&spec.name) {
        return Err(Error::new(ErrorKind::InvalidInput, problem));
    }
    let refuse = |problem: String| {
        let text = format!("the input schema of the tool `{}` {problem}", spec.name);
        Err(Error::new(ErrorKind::InvalidInput, text))
    };
    let Value::Object(schema) = &spec.input_schema else {
        return refuse(format!("must be a JSON object, not `{}`", spec.input_schema));
    };
    match schema.get("type") {
        None => {}
        Some(kind) if kind == "object" => {}
        Some(other) => return refuse(format!("must have the type `object`, not `{other}`")),
    }
    if is_deeper(&spec.input_schema, MAX_DEPTH) {
        return refuse(format!("has more than {MAX_DEPTH} levels: make it flatter"));
    }
    let mut spec = spec.clone();
    if let Some(schema) = spec.input_schema.as_object_mut() {
        schema.entry("type").or_insert_with(|| "object".into());
        schema.entry("properties").or_insert_with(|| Map::new().into());
        schema.entry("required").or_insert_with(|| Value::Array(Vec::new()));
    }
    Ok(spec)
}

/// True if more levels of schemas stand in this one than there are left.
fn is_deeper(schema: &Value, left: usize) -> bool {
    let below = |schema: &Value| left == 0 || is_deeper(schema, left - 1);
    match schema {
        Value::Object(object) => object.iter().any(|(key, value)| match value {
            Value::Object(named) if NAMED.contains(&key.as_str()) => named.values().any(below),
            Value::Object(_) | Value::Array(_) => below(value),
            _ => false,
        }),
        Value::Array(items) => items.iter().any(|item| is_deeper(item, left)),
        _ => false,
    }
}
