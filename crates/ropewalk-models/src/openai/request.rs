//! The body of a request.

use std::sync::Arc;

use bytes::Bytes;
use ropewalk_core::{Error, Message, ModelRequest, Role, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::chat::Chat;
use super::messages::{message, prefix, system};
use crate::render::{Around, Body};
use crate::schema;

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
    for (name, value) in params(request, chat) {
        body.value(&name, &value)?;
    }
    Ok(body.finish())
}

/// What else is in the body: what was set, and what this request wants.
fn params(request: &ModelRequest, chat: &Chat) -> Map<String, Value> {
    let mut params = Map::new();
    if let Some(schema) = &request.output_schema {
        params.insert("response_format".into(), response_format(schema));
    }
    params.insert("stream".into(), true.into());
    params.extend(chat.endpoint.params.clone());
    if let Some(left) = request.max_output_tokens {
        limit_answer(&mut params, left, chat.most_tokens);
    }
    // Asked for without a stream, the options are refused.
    if chat.stream_usage && params.get("stream") == Some(&Value::Bool(true)) {
        params.insert("stream_options".into(), json!({"include_usage": true}));
    }
    params
}

/// Lets the answer have so many tokens at most, under the name that was set already or else under this one.
fn limit_answer(body: &mut Map<String, Value>, left: u64, name: &str) {
    let set = ["max_completion_tokens", "max_tokens"];
    let name = set.into_iter().find(|set| body.contains_key(*set)).unwrap_or(name);
    let most = body.get(name).and_then(Value::as_u64).map_or(left, |most| most.min(left));
    body.insert(name.to_owned(), most.into());
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
