//! The body of a request.

use ropewalk_core::{Error, ErrorKind, ModelRequest, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::config::Config;
use super::messages::messages;

/// The body that asks for an answer.
///
/// # Errors
/// The conversation holds what the interface can't carry.
pub(super) fn body(request: &ModelRequest, config: &Config) -> Result<Vec<u8>, Error> {
    let mut body = Map::new();
    body.insert("model".into(), config.model.as_str().into());
    body.insert("messages".into(), messages(request, config)?.into());
    // An empty list is refused by OpenAI, and a choice without tools by most.
    if !request.tools.is_empty() {
        let tools: Vec<Value> = request.tools.iter().map(|spec| tool(spec)).collect();
        body.insert("tools".into(), tools.into());
        if let Some(choice) = &request.tool_choice {
            body.insert("tool_choice".into(), tool_choice(choice));
        }
    }
    if let Some(schema) = &request.output_schema {
        body.insert("response_format".into(), response_format(schema));
    }
    body.insert("stream".into(), true.into());
    body.extend(config.params.clone());
    if let Some(left) = request.max_output_tokens {
        limit_answer(&mut body, left, config.most_tokens);
    }
    // Asked for without a stream, the options are refused.
    if config.stream_usage && body.get("stream") == Some(&Value::Bool(true)) {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    serde_json::to_vec(&body).map_err(|error| {
        let text = format!("{}: the request can't be written as JSON", config.id);
        Error::new(ErrorKind::InvalidInput, text).with_source(error)
    })
}

/// Lets the answer have so many tokens at most, under the name that was set already or else under this one.
fn limit_answer(body: &mut Map<String, Value>, left: u64, name: &str) {
    let set = ["max_completion_tokens", "max_tokens"];
    let name = set.into_iter().find(|set| body.contains_key(*set)).unwrap_or(name);
    let most = body.get(name).and_then(Value::as_u64).map_or(left, |most| most.min(left));
    body.insert(name.to_owned(), most.into());
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
