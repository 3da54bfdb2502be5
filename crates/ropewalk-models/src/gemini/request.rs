//! The body of a request.

use std::sync::Arc;

use ropewalk_core::{Error, ModelRequest, SystemBlock, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::contents::{grouped, parts};
use super::dialect::Gemini;
use super::schema;
use crate::render::{Body, tool_name};

/// The body that asks for an answer.
///
/// # Errors
/// A value can't be written as JSON.
pub(super) fn body(request: &ModelRequest, gemini: &Gemini) -> Result<Vec<u8>, Error> {
    let pieces =
        gemini.cache.messages(&request.messages, |said, before| parts(said, before, gemini));
    let mut body = Body::with_capacity(pieces.iter().map(|piece| piece.len() + 48).sum());
    if let Some(system) = system(request) {
        body.value("systemInstruction", &system)?;
    }
    body.parts("contents", grouped(&request.messages, &pieces));
    let declared = match request.tools.is_empty() {
        true => None,
        false => Some(gemini.cache.tools(&request.tools, tools)),
    };
    if declared.is_some() || !gemini.built_in.is_empty() {
        let built_in = gemini.built_in.iter().map(String::as_str);
        body.list("tools", declared.as_deref().into_iter().chain(built_in));
    }
    for (name, value) in params(request, gemini) {
        body.value(&name, &value)?;
    }
    Ok(body.finish())
}

/// What the model is told before the conversation.
fn system(request: &ModelRequest) -> Option<Value> {
    let blocks = request.system.as_ref()?.blocks().iter();
    let parts: Vec<Value> = blocks
        .filter_map(|block| match block {
            SystemBlock::Text(text) if !text.trim().is_empty() => Some(json!({"text": text})),
            // These models cache by themselves.
            _ => None,
        })
        .collect();
    (!parts.is_empty()).then(|| json!({"parts": parts}))
}

/// What else is in the body: what was set, and what this request wants.
fn params(request: &ModelRequest, gemini: &Gemini) -> Map<String, Value> {
    let mut params = gemini.endpoint.params.clone();
    if let Some(choice) = request.tool_choice.as_ref().filter(|_| !request.tools.is_empty()) {
        let config = params.entry("toolConfig").or_insert_with(|| json!({}));
        if let Value::Object(config) = config {
            config.insert("functionCallingConfig".into(), tool_choice(choice));
        }
    }
    let mut settings = gemini.settings.clone();
    if let Some(schema) = &request.output_schema {
        settings.insert("responseMimeType".into(), "application/json".into());
        settings.insert("responseJsonSchema".into(), schema::fitted(schema));
    }
    if let Some(left) = request.max_output_tokens {
        let set = settings.get("maxOutputTokens").and_then(Value::as_u64);
        settings.insert("maxOutputTokens".into(), set.map_or(left, |set| set.min(left)).into());
    }
    if !settings.is_empty() {
        params.insert("generationConfig".into(), settings.into());
    }
    params
}

fn tools(specs: &[Arc<ToolSpec>]) -> String {
    let declared: Vec<Value> = specs.iter().map(|spec| tool(spec)).collect();
    json!({"functionDeclarations": declared}).to_string()
}

fn tool(spec: &ToolSpec) -> Value {
    let mut tool = json!({"name": spec.name, "description": spec.description});
    // An object that can hold nothing is refused; a function without parameters is not.
    if !schema::is_empty(&spec.input_schema)
        && let Value::Object(tool) = &mut tool
    {
        tool.insert("parametersJsonSchema".into(), schema::fitted(&spec.input_schema));
    }
    tool
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto {} => json!({"mode": "AUTO"}),
        ToolChoice::Any {} => json!({"mode": "ANY"}),
        ToolChoice::Tool { name } => {
            json!({"mode": "ANY", "allowedFunctionNames": [tool_name(name)]})
        }
    }
}
