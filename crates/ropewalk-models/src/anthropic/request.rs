//! The body of a request.

use std::borrow::Cow;
use std::sync::Arc;

use ropewalk_core::{CachePoint, Error, Message, ModelRequest, SystemBlock, ToolChoice, ToolSpec};
use serde_json::{Value, json};

use super::conversation::conversation;
use super::dialect::Anthropic;
use super::marks::{self, mark};
use super::media::text;
use super::params::params;
use crate::render::Body;

/// The body that asks for an answer.
///
/// # Errors
/// A parameter can't be written as JSON.
pub(super) fn body(request: &ModelRequest, model: &Anthropic) -> Result<Vec<u8>, Error> {
    let messages = conversation(request, model);
    let system = system(request);
    let has_tools = model.offers_tools(request);
    let tools = model.cache.tools(&request.tools, |specs| tools(specs, model));
    let choice = tool_choice(request, has_tools);
    let unused = if has_tools { String::new() } else { unused(request) };
    let mut most = marks::MOST;
    if model.endpoint.params.contains_key("cache_control") {
        most -= 1;
    }
    let tools = if has_tools { &*tools } else { &unused };
    let [tools, system, messages] = marks::fit(
        [
            vec![tools],
            system.iter().map(String::as_str).collect(),
            messages.iter().map(|piece| &**piece).collect(),
        ],
        most,
    );
    let all = [&tools, &system, &messages].into_iter().flatten();
    let mut body = Body::with_capacity(all.map(|piece| piece.len() + 1).sum());
    body.value("model", &model.endpoint.model)?;
    let is_said = |pieces: &[Cow<'_, str>]| pieces.iter().any(|piece| !piece.is_empty());
    if is_said(&tools) {
        body.list("tools", tools.iter().map(AsRef::as_ref));
        if let Some(choice) = choice {
            body.value("tool_choice", &choice)?;
        }
    }
    if is_said(&system) {
        body.list("system", system.iter().map(AsRef::as_ref));
    }
    body.list("messages", messages.iter().map(AsRef::as_ref));
    for (name, value) in params(request, model) {
        body.value(&name, &value)?;
    }
    Ok(body.finish())
}

/// The blocks of the system prompt.
fn system(request: &ModelRequest) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for block in request.system.iter().flat_map(|system| system.blocks()) {
        match block {
            SystemBlock::Text(words) if words.trim().is_empty() => {}
            SystemBlock::Text(words) => blocks.push(text(words).to_string()),
            SystemBlock::CachePoint(point) => mark_last(&mut blocks, point),
            _ => tracing::warn!("a block of the system prompt of a later kind is not sent"),
        }
    }
    blocks
}

fn tools(specs: &[Arc<ToolSpec>], model: &Anthropic) -> String {
    let own = specs.iter().map(|spec| tool(spec));
    let mut tools: Vec<String> =
        own.chain(model.server_tools.iter().cloned()).map(|tool| tool.to_string()).collect();
    if let Some(point) = model.cache_tools.as_ref().filter(|_| !tools.is_empty()) {
        mark_last(&mut tools, point);
    }
    tools.join(",")
}

fn tool(spec: &ToolSpec) -> Value {
    json!({
        "name": spec.name,
        "description": spec.description,
        "input_schema": spec.input_schema,
    })
}

fn mark_last(blocks: &mut [String], point: &CachePoint) {
    match blocks.last_mut() {
        Some(block) => mark(block, point),
        None => tracing::warn!("a cache point with nothing before it is not sent"),
    }
}

/// A tool that can't be called, for a conversation with calls that is sent without tools: the interface refuses it
/// otherwise.
fn unused(request: &ModelRequest) -> String {
    let has_calls =
        request.messages.iter().any(|said: &Arc<Message>| said.tool_uses().next().is_some());
    if !has_calls {
        return String::new();
    }
    let spec =
        ToolSpec::new("unused", "Does nothing.", json!({"type": "object", "properties": {}}));
    tool(&spec).to_string()
}

fn tool_choice(request: &ModelRequest, has_tools: bool) -> Option<Value> {
    if !has_tools {
        return Some(json!({"type": "none"}));
    }
    Some(match request.tool_choice.as_ref()? {
        ToolChoice::Auto {} => json!({"type": "auto"}),
        ToolChoice::Any {} => json!({"type": "any"}),
        ToolChoice::Tool { name } => json!({"type": "tool", "name": name}),
    })
}
