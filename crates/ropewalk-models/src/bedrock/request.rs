//! The body of a request.

use std::sync::Arc;

use ropewalk_core::{ContentBlock, Error, ModelRequest, Role, SystemBlock, ToolChoice, ToolSpec};
use serde_json::{Map, Value, json};

use super::caching::{MOST_POINTS, point};
use super::messages::{content, text_block};
use super::plan::{How, Plan, plan, points_of};
use super::settings::Bedrock;
use crate::media::warn_unknown;
use crate::render::Body;

/// What stands for a first message of the user's, where a conversation begins with the model.
const BEGINNING: &str = "[The conversation begins.]";

/// The body that asks for an answer. What is said in old messages is rendered once; the SDK's own types would have
/// to be built of all of them for each request.
///
/// # Errors
/// A parameter can't be written as JSON.
pub(super) fn body(request: &ModelRequest, bedrock: &Bedrock) -> Result<Vec<u8>, Error> {
    let mut points = MOST_POINTS;
    // In this order Bedrock reads them.
    let tools = tools(request, bedrock, &mut points);
    let system = system(request, bedrock, &mut points);
    let behind_last = last_point(request, bedrock, &mut points);
    let is_guarded = bedrock.guardrail.as_ref().is_some_and(|guardrail| guardrail.is_latest_only);
    let plan = plan(request, points, is_guarded);
    let pieces = pieces(request, plan, bedrock);
    let parts =
        messages(request, &pieces, behind_last.as_ref().map(|(at, point)| (*at, point.as_str())));

    let mut body = Body::with_capacity(parts.iter().map(|part| part.len()).sum());
    body.parts("messages", parts);
    if !system.is_empty() {
        body.list("system", system.iter().map(String::as_str));
    }
    if !tools.is_empty() {
        body.parts("toolConfig", tools.iter().map(|part| &**part));
    }
    for (name, value) in settings(request, bedrock) {
        body.value(&name, &value)?;
    }
    Ok(body.finish())
}

/// What is in each message.
fn pieces(request: &ModelRequest, mut plan: Plan, bedrock: &Bedrock) -> Vec<Arc<str>> {
    let mut pieces = bedrock
        .cache
        .messages(&request.messages, |message, _| content(message, How::default(), bedrock));
    for (at, message) in request.messages.iter().enumerate() {
        if let (Some(how), Some(piece)) = (plan.remove(&at), pieces.get_mut(at)) {
            *piece = content(message, how, bedrock).into();
        }
    }
    pieces
}

/// The messages, as pieces of JSON: those of one role that follow each other become one, since roles must alternate,
/// and the user begins.
fn messages<'a>(
    request: &ModelRequest,
    pieces: &'a [Arc<str>],
    behind: Option<(usize, &'a str)>,
) -> Vec<&'a str> {
    let mut parts = vec!["["];
    let mut open: Option<Role> = None;
    for (at, (message, piece)) in request.messages.iter().zip(pieces).enumerate() {
        if piece.is_empty() {
            continue;
        }
        let role = message.role;
        match open {
            Some(known) if known == role => parts.push(","),
            Some(_) => parts.extend(["]},", head(role)]),
            None if role == Role::Assistant => {
                parts.extend([head(Role::User), "{\"text\":\"", BEGINNING, "\"}]},", head(role)]);
            }
            None => parts.push(head(role)),
        }
        open = Some(role);
        parts.push(piece);
        if let Some((_, point)) = behind.filter(|(place, _)| *place == at) {
            parts.extend([",", point]);
        }
    }
    parts.push(if open.is_some() { "]}]" } else { "]" });
    parts
}

fn head(role: Role) -> &'static str {
    match role {
        Role::User => "{\"role\":\"user\",\"content\":[",
        Role::Assistant => "{\"role\":\"assistant\",\"content\":[",
    }
}

/// The point behind the user's latest words, and where it stands.
fn last_point(
    request: &ModelRequest,
    bedrock: &Bedrock,
    points: &mut usize,
) -> Option<(usize, String)> {
    let caching = bedrock.placing().filter(|_| *points > 0)?;
    let at = request.messages.iter().rposition(|message| message.role == Role::User)?;
    if request.messages.get(at).is_some_and(|message| points_of(message) > 0) {
        return None;
    }
    *points -= 1;
    Some((at, caching.point()))
}

/// The system prompt.
fn system(request: &ModelRequest, bedrock: &Bedrock, points: &mut usize) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut last_is_point = false;
    for block in request.system.iter().flat_map(|system| system.blocks()) {
        let rendered = match block {
            SystemBlock::Text(text) if text.trim().is_empty() => continue,
            SystemBlock::Text(text) => text_block(text).to_string(),
            SystemBlock::CachePoint(own) => {
                if !blocks.is_empty() && !last_is_point && bedrock.family.caches() && *points > 0 {
                    *points -= 1;
                    blocks.push(point(own.ttl.as_deref()));
                    last_is_point = true;
                } else {
                    tracing::warn!("a cache point of the system prompt is left out");
                }
                continue;
            }
            SystemBlock::Unknown(block) if block.contains_key("guardContent") => {
                Value::Object(block.clone()).to_string()
            }
            SystemBlock::Unknown(block) => {
                warn_unknown(block);
                continue;
            }
            _ => {
                tracing::warn!("a system block of a later kind is not sent to the model");
                continue;
            }
        };
        last_is_point = false;
        blocks.push(rendered);
    }
    if let Some(caching) =
        bedrock.placing().filter(|_| !blocks.is_empty() && !last_is_point && *points > 0)
    {
        *points -= 1;
        blocks.push(caching.point());
    }
    blocks
}

/// The tools, as pieces of JSON; none if there are none and none are needed.
fn tools(request: &ModelRequest, bedrock: &Bedrock, points: &mut usize) -> Vec<Arc<str>> {
    let part = |text: &str| -> Arc<str> { text.into() };
    if request.tools.is_empty() {
        // A conversation with tool uses is refused where no tool is declared.
        return match request.messages.iter().any(|message| uses_tools(&message.content)) {
            true => vec![part("{\"tools\":["), part(&no_tool().to_string()), part("]}")],
            false => Vec::new(),
        };
    }
    let mut parts = vec![part("{\"tools\":[")];
    parts.push(bedrock.cache.tools(&request.tools, |specs| {
        let tools = specs.iter().map(|spec| tool(spec, bedrock.strict_tools).to_string());
        tools.collect::<Vec<_>>().join(",")
    }));
    if let Some(caching) = bedrock.placing().filter(|_| bedrock.family.caches_tools()) {
        *points -= 1;
        parts.extend([part(","), caching.point().into()]);
    }
    parts.push(part("]"));
    if let Some(choice) = &request.tool_choice {
        parts.extend([part(",\"toolChoice\":"), tool_choice(choice).to_string().into()]);
    }
    parts.push(part("}"));
    parts
}

fn uses_tools(content: &[ContentBlock]) -> bool {
    content
        .iter()
        .any(|block| matches!(block, ContentBlock::ToolUse(_) | ContentBlock::ToolResult(_)))
}

fn tool(spec: &ToolSpec, is_strict: bool) -> Value {
    let mut tool = Map::new();
    tool.insert("name".into(), spec.name.as_str().into());
    if !spec.description.trim().is_empty() {
        tool.insert("description".into(), spec.description.as_str().into());
    }
    tool.insert("inputSchema".into(), json!({"json": spec.input_schema}));
    if is_strict {
        tool.insert("strict".into(), true.into());
    }
    json!({"toolSpec": tool})
}

fn no_tool() -> Value {
    json!({"toolSpec": {
        "name": "noop",
        "description": "Does nothing. No tools are offered now: do not call it.",
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    }})
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto {} => json!({"auto": {}}),
        ToolChoice::Any {} => json!({"any": {}}),
        ToolChoice::Tool { name } => json!({"tool": {"name": name}}),
    }
}

/// What else is in the body: what was set, and what this request wants.
fn settings(request: &ModelRequest, bedrock: &Bedrock) -> Map<String, Value> {
    let mut all = Map::new();
    let mut inference = bedrock.inference.clone();
    if let Some(left) = request.max_output_tokens {
        let most = inference.get("maxTokens").and_then(Value::as_u64);
        inference.insert("maxTokens".into(), most.map_or(left, |most| most.min(left)).into());
    }
    let fields = request_fields(request, &inference, bedrock);
    if !inference.is_empty() {
        all.insert("inferenceConfig".into(), inference.into());
    }
    if !fields.is_empty() {
        all.insert("additionalModelRequestFields".into(), fields.into());
    }
    if !bedrock.response_paths.is_empty() {
        let paths = bedrock.response_paths.clone();
        all.insert("additionalModelResponseFieldPaths".into(), paths.into());
    }
    if let Some(guardrail) = &bedrock.guardrail {
        all.insert("guardrailConfig".into(), guardrail.config(bedrock.is_streaming).into());
    }
    if let Some(schema) = &request.output_schema {
        all.insert("outputConfig".into(), output(schema));
    }
    all.extend(bedrock.params.clone());
    all
}

/// The model's own fields, without thoughts where it can't have them.
fn request_fields(
    request: &ModelRequest,
    inference: &Map<String, Value>,
    bedrock: &Bedrock,
) -> Map<String, Value> {
    let mut fields = bedrock.request_fields.clone();
    let is_forced = !request.tools.is_empty()
        && matches!(request.tool_choice, Some(ToolChoice::Any {} | ToolChoice::Tool { .. }));
    let budget = fields.get("thinking").and_then(|thinking| thinking.get("budget_tokens"));
    let budget = budget.and_then(Value::as_u64);
    let most = inference
        .get("maxTokens")
        .and_then(Value::as_u64)
        .filter(|_| request.max_output_tokens.is_some());
    let is_too_little = matches!((budget, most), (Some(budget), Some(most)) if most <= budget);
    if (is_forced || is_too_little) && fields.remove("thinking").is_some() {
        let why =
            if is_forced { "a tool is forced" } else { "too few output tokens are left for it" };
        tracing::warn!(model = bedrock.id, "the model is asked without thinking: {why}");
    }
    fields
}

fn output(schema: &Value) -> Value {
    let title = schema.get("title").and_then(Value::as_str).filter(|title| !title.is_empty());
    let name: String = title
        .unwrap_or("answer")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' })
        .take(64)
        .collect();
    json!({"textFormat": {"type": "json_schema", "structure": {
        "jsonSchema": {"schema": schema.to_string(), "name": name},
    }}})
}
