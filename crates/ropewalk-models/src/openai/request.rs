//! The body of a request.

use std::sync::Arc;

use bytes::Bytes;
use ropewalk_core::{Error, Message, ModelRequest, Role, ToolChoice, ToolSpec};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::chat::Chat;
use super::messages::{message, prefix, system};
use crate::render::{Around, Body};
use crate::schema;

/// The form of the answer, among the parameters.
const FORMAT: &str = "response_format";

/// The body that asks for an answer.
///
/// # Errors
/// The conversation holds what the interface can't carry.
pub(super) fn body(request: &ModelRequest, chat: &Chat) -> Result<Bytes, Error> {
    let system = system(request);
    let mut head = Body::with_capacity(system.len());
    head.value("model", &chat.endpoint.model)?;
    let head = head.open_list("messages", &system);
    let tail = tail(request, chat)?;
    let begun = request.messages.last().filter(|last| last.role == Role::Assistant);
    let begun = begun.filter(|_| chat.manner.marks_prefix).map(|last| prefix(last, chat));
    let around = Around { head: &head, last: begun.as_deref(), tail: &tail };
    let render = |said: &Message, before: Option<&Message>| message(said, before, chat);
    Ok(chat.conversations.body(&request.messages, &around, render))
}

/// What stands behind the messages.
fn tail(request: &ModelRequest, chat: &Chat) -> Result<Vec<u8>, Error> {
    let mut body = Body::behind_list();
    // An empty list is refused by OpenAI, and a choice without tools by most.
    if !request.tools.is_empty() {
        body.list("tools", [&*chat.tools.piece(&request.tools, tools)]);
        if let Some(choice) = &request.tool_choice {
            body.value("tool_choice", &tool_choice(choice, chat))?;
        }
    }
    params(&mut body, request, chat)?;
    Ok(body.finish())
}

/// What else is in the body: what was set, and what this request wants.
fn params(body: &mut Body, request: &ModelRequest, chat: &Chat) -> Result<(), Error> {
    let set = &chat.endpoint.params;
    // What was set is stronger.
    if let Some(schema) = request.output_schema.as_ref().filter(|_| !set.contains_key(FORMAT)) {
        body.value(FORMAT, &response_format(schema))?;
    }
    let streams = set.get("stream");
    if streams.is_none() {
        body.value("stream", &true)?;
    }
    let limit = request.max_output_tokens.map(|left| limit(set, left, chat.most_tokens));
    let limited = limit.map(|(name, _)| name);
    for (name, value) in set.iter().filter(|(name, _)| limited != Some(name.as_str())) {
        body.value(name, value)?;
    }
    if let Some((name, most)) = limit {
        body.value(name, &most)?;
    }
    // Asked for without a stream, the options are refused.
    if chat.stream_usage && streams.is_none_or(|streams| *streams == Value::Bool(true)) {
        body.value("stream_options", &StreamOptions { include_usage: true })?;
    }
    Ok(())
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

/// How many tokens the answer may have at most, and under which name the server is told so: the one that was set
/// already, or else this one.
fn limit<'a>(set: &Map<String, Value>, left: u64, name: &'a str) -> (&'a str, u64) {
    let known = ["max_completion_tokens", "max_tokens"];
    let name = known.into_iter().find(|known| set.contains_key(*known)).unwrap_or(name);
    (name, set.get(name).and_then(Value::as_u64).map_or(left, |most| most.min(left)))
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

fn tool_choice(choice: &ToolChoice, chat: &Chat) -> Value {
    match choice {
        ToolChoice::Auto {} => "auto".into(),
        ToolChoice::Any {} => chat.manner.any_tool.into(),
        ToolChoice::Tool { name } => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(schema: &Value) -> Value {
    json!({"type": "json_schema", "json_schema": schema::format(schema)})
}
