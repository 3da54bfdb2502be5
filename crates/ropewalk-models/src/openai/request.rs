//! The body of a request.

use std::sync::Arc;

use ropewalk_core::{Error, ModelRequest, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::chat::Chat;
use super::messages::{message, system};
use crate::render::Body;

/// The body that asks for an answer.
///
/// # Errors
/// The conversation holds what the interface can't carry.
pub(super) fn body(request: &ModelRequest, chat: &Chat) -> Result<Vec<u8>, Error> {
    let system = system(request);
    let pieces = chat.cache.messages(&request.messages, |said, _| message(said, chat));
    let length = pieces.iter().map(|piece| piece.len() + 1).sum::<usize>() + system.len();
    let mut body = Body::with_capacity(length);
    body.value("model", &chat.endpoint.model)?;
    body.list("messages", [system.as_str()].into_iter().chain(pieces.iter().map(|piece| &**piece)));
    // An empty list is refused by OpenAI, and a choice without tools by most.
    if !request.tools.is_empty() {
        body.list("tools", [&*chat.cache.tools(&request.tools, tools)]);
        if let Some(choice) = &request.tool_choice {
            body.value("tool_choice", &tool_choice(choice))?;
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

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto {} => "auto".into(),
        ToolChoice::Any {} => "required".into(),
        ToolChoice::Tool { name } => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(schema: &Value) -> Value {
    let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
    let name: String = title
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .take(64)
        .collect();
    let name = if name.is_empty() { "answer".to_owned() } else { name };
    json!({
        "type": "json_schema",
        "json_schema": {"name": name, "schema": schema, "strict": fits_strict(schema)},
    })
}

/// Whether a schema is what OpenAI's strict mode takes: each object closed, with all its
/// properties required. Others would be refused under `strict`, and serve as guidance without.
fn fits_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            let properties = map.get("properties").and_then(Value::as_object);
            let is_object = map.get("type").is_some_and(|kind| {
                kind == "object"
                    || kind.as_array().is_some_and(|all| all.contains(&"object".into()))
            });
            let closed = map.get("additionalProperties") == Some(&Value::Bool(false));
            let required = map.get("required").and_then(Value::as_array);
            let all_required = properties.is_none_or(|properties| {
                properties.keys().all(|name| {
                    required.is_some_and(|names| names.iter().any(|other| other == name))
                })
            });
            (closed || !(is_object || properties.is_some()))
                && all_required
                && map.values().all(fits_strict)
        }
        Value::Array(items) => items.iter().all(fits_strict),
        _ => true,
    }
}
