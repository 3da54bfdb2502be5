//! The body of a request.

use std::sync::Arc;

use ropewalk_core::{Error, Message, ModelRequest, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::interface::Responses;
use super::items::{Takes, items};
use super::service::is_official;
use crate::render::{Body, Pieces};
use crate::schema;

/// OpenAI refuses to be limited to fewer tokens.
const FEWEST_TOKENS: u64 = 16;

/// What is asked to be encrypted for us to keep.
const ENCRYPTED: &str = "reasoning.encrypted_content";

/// What of a conversation is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// What the server does not know yet.
    Shortest,
    /// All of it.
    Whole,
    /// All of it but the model's thoughts.
    WithoutThoughts,
}

/// The body that asks for an answer.
///
/// # Errors
/// A parameter can't be written.
pub(super) fn body(
    request: &ModelRequest,
    responses: &Responses,
    way: Way,
) -> Result<Vec<u8>, Error> {
    let known = responses.known(request).filter(|_| way == Way::Shortest);
    let pieces = match way {
        Way::WithoutThoughts => rendered_without_thoughts(request, responses),
        Way::Shortest | Way::Whole => pieces(request, responses),
    };
    let from = known.as_ref().map_or(0, |known| known.messages);
    let pieces = pieces.get(from..).unwrap_or_default();
    let mut body = Body::with_capacity(pieces.iter().map(|piece| piece.len() + 1).sum());
    body.value("model", &responses.endpoint.model)?;
    let is_told = known.is_some() && responses.keeps_system();
    let system = request.system.as_ref().filter(|_| !is_told).and_then(|system| system.text());
    if let Some(system) = system {
        body.value("instructions", &system)?;
    }
    if let Some(known) = &known {
        body.value("previous_response_id", &known.id)?;
    }
    body.list("input", pieces.iter().map(|piece| &**piece));
    let ours = responses.cache.tools(&request.tools, tools);
    let servers: Vec<String> = responses.server_tools.iter().map(Value::to_string).collect();
    if !ours.is_empty() || !servers.is_empty() {
        body.list("tools", [&*ours].into_iter().chain(servers.iter().map(String::as_str)));
        if let Some(choice) = request.tool_choice.as_ref().filter(|_| !ours.is_empty()) {
            body.value("tool_choice", &tool_choice(choice))?;
        }
    }
    for (name, value) in params(request, responses, way) {
        body.value(&name, &value)?;
    }
    Ok(body.finish())
}

/// The conversation, rendered.
pub(super) fn pieces(request: &ModelRequest, responses: &Responses) -> Pieces {
    let takes = takes(
        responses,
        responses.encrypts || responses.is_stored || !is_official(&responses.endpoint),
    );
    responses.cache.messages(&request.messages, |message, _| items(message, takes))
}

/// What stands before the messages in what the server keeps.
pub(super) fn first(request: &ModelRequest, responses: &Responses) -> String {
    let system = request.system.as_ref().filter(|_| responses.keeps_system());
    system.and_then(|system| system.text()).unwrap_or_default()
}

/// The conversation without thoughts; not kept, since it is asked for but once in a while.
fn rendered_without_thoughts(request: &ModelRequest, responses: &Responses) -> Pieces {
    let render = |message: &Arc<Message>| items(message, takes(responses, false)).into();
    request.messages.iter().map(render).collect()
}

fn takes(responses: &Responses, thoughts: bool) -> Takes<'_> {
    Takes { server: responses.endpoint.host(), thoughts, is_stored: responses.is_stored }
}

/// What else is in the body: what was set, and what this request wants.
fn params(request: &ModelRequest, responses: &Responses, way: Way) -> Map<String, Value> {
    let mut params = Map::new();
    params.insert("stream".into(), true.into());
    params.insert("store".into(), responses.is_stored.into());
    params.extend(responses.endpoint.params.clone());
    if let Some(schema) = &request.output_schema {
        let mut format = schema::format(schema);
        format["type"] = json!("json_schema");
        let text = params.entry("text").or_insert_with(|| json!({}));
        if let Some(text) = text.as_object_mut() {
            text.entry("format").or_insert(format);
        }
    }
    if responses.encrypts && way != Way::WithoutThoughts {
        let include = params.entry("include").or_insert_with(|| json!([]));
        if let Some(include) =
            include.as_array_mut().filter(|list| !list.contains(&ENCRYPTED.into()))
        {
            include.push(ENCRYPTED.into());
        }
    }
    if let Some(left) = request.max_output_tokens {
        let fewest = if is_official(&responses.endpoint) { FEWEST_TOKENS } else { 0 };
        let set = params.get("max_output_tokens").and_then(Value::as_u64);
        let most = set.map_or(left, |set| set.min(left)).max(fewest);
        params.insert("max_output_tokens".into(), most.into());
    }
    params
}

fn tools(specs: &[Arc<ToolSpec>]) -> String {
    specs.iter().map(|spec| tool(spec).to_string()).collect::<Vec<_>>().join(",")
}

/// Not strict, as it would be unless said: most schemas are not of the few forms that strict ones must have.
fn tool(spec: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.input_schema,
        "strict": false,
    })
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto {} => "auto".into(),
        ToolChoice::Any {} => "required".into(),
        ToolChoice::Tool { name } => json!({"type": "function", "name": name}),
    }
}
