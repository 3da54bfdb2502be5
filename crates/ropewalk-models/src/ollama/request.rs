//! The body of a request.

use std::sync::Arc;

use ropewalk_core::{Error, ModelRequest, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::dialect::Ollama;
use super::messages::{message, system};
use crate::render::Body;

/// The body that asks for an answer.
///
/// # Errors
/// A value can't be written as JSON.
pub(super) fn body(request: &ModelRequest, ollama: &Ollama) -> Result<Vec<u8>, Error> {
    let system = system(request);
    let pieces = ollama.cache.messages(&request.messages, message);
    let length = pieces.iter().map(|piece| piece.len() + 1).sum::<usize>() + system.len();
    let mut body = Body::with_capacity(length);
    body.value("model", &ollama.endpoint.model)?;
    body.list("messages", [system.as_str()].into_iter().chain(pieces.iter().map(|piece| &**piece)));
    if !request.tools.is_empty() {
        body.list("tools", [&*ollama.cache.tools(&request.tools, tools)]);
    }
    if let Some(ToolChoice::Any {} | ToolChoice::Tool { .. }) = &request.tool_choice {
        tracing::warn!(
            model = ollama.endpoint.id,
            "the model is not made to call a tool: the interface has no tool choice"
        );
    }
    for (name, value) in params(request, ollama) {
        body.value(&name, &value)?;
    }
    Ok(body.finish())
}

/// What else is in the body: what was set, and what this request wants.
fn params(request: &ModelRequest, ollama: &Ollama) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("stream".into(), true.into());
    // Or else the server drops the beginning of what is too long and says nothing.
    params.insert("truncate".into(), false.into());
    params.extend(ollama.endpoint.params.clone());
    if let Some(schema) = &request.output_schema {
        params.insert("format".into(), (**schema).clone());
    }
    let mut options = ollama.options.clone();
    if let Some(left) = request.max_output_tokens {
        // A negative number is no limit.
        let set = options.get("num_predict").and_then(Value::as_u64);
        options.insert("num_predict".into(), set.map_or(left, |set| set.min(left)).into());
    }
    if !options.is_empty() {
        params.insert("options".into(), options.into());
    }
    params
}

fn tools(specs: &[Arc<ToolSpec>]) -> String {
    specs.iter().map(|spec| tool(spec).to_string()).collect::<Vec<_>>().join(",")
}

fn tool(spec: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": spec.name,
            "description": spec.description,
            "parameters": spec.input_schema,
        },
    })
}
