//! OpenAI's Responses, and those of others who speak them.

use ropewalk_core::{
    ContentBlock, DocumentBlock, ErrorKind, Extra, Message, Model, ModelRequest, ReasoningContent,
    ReasoningText, Role, Source, ToolResult, ToolSpec, ToolUse, Usage,
};
use ropewalk_models::OpenAiResponses;
use serde_json::{Value, json};

use super::{Adapter, Exchange, exchanges, transcript, tried};
use crate::support::{Reply, Said, Server, ask, collect};

struct Responses;

impl Adapter for Responses {
    fn name(&self) -> &str {
        "Responses"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.path.ends_with("/responses")
    }

    fn model(&self, origin: &str, exchange: &Exchange) -> Box<dyn Model> {
        let builder = OpenAiResponses::builder("test-model").base_url(format!("{origin}/v1"));
        // The server stores answers unless it is asked not to; the adapter asks it not to unless it is told otherwise.
        let store = exchange.request["store"] != false;
        Box::new(builder.api_key("sk-very-secret-key").param("store", store).build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        read(exchange.text())
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let kind = match exchange.status {
            401 => ErrorKind::Authentication,
            _ => ErrorKind::InvalidRequest,
        };
        let body: Value = serde_json::from_str(exchange.text()).unwrap();
        (kind, body["error"]["message"].as_str().unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        conversation(&exchange.request)
    }

    fn normal(&self, request: &Value) -> Value {
        normal(request).into()
    }
}

#[tokio::test]
async fn recorded_responses_are_understood_and_sent_in_their_shape() {
    tried(&Responses).await;
}

/// A stream that is cut off before its end is never a success.
#[tokio::test]
async fn a_recorded_response_that_is_cut_off_is_an_error() {
    let Some(exchanges) = exchanges() else { return };
    let mut tried = 0;
    let streams = exchanges.iter().filter(|exchange| {
        Responses.takes(exchange) && exchange.body.windows(5).any(|bytes| bytes == b"data:")
    });
    for exchange in streams.step_by(3) {
        let events: Vec<&str> = exchange.text().split_inclusive("\n\n").collect();
        let is_last = |event: &&str| event.contains("\"type\":\"response.completed\"");
        let last = events.iter().position(is_last).unwrap_or(events.len() - 1);
        for end in (0..=last).step_by(7) {
            let server = Server::start([Reply::sse(&events[..end].concat())]).await;
            let model = Responses.model(&server.origin, exchange);
            let (chunks, error) = collect(&*model, ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{}: {chunks:?}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
    }
    eprintln!("{tried} streams were cut off");
}

/// The plainest reading of an answer, with nothing of the adapter in it: that of the events that say all of an item
/// again, and of the last.
fn read(body: &str) -> Said {
    let response: Value = if body.trim_start().starts_with('{') {
        serde_json::from_str(body).unwrap()
    } else {
        let events = body.lines().filter_map(|line| line.strip_prefix("data: {"));
        let events: Vec<Value> =
            events.map(|event| serde_json::from_str(&format!("{{{event}")).unwrap()).collect();
        let of_type = |kind: &'static str| events.iter().filter(move |event| event["type"] == kind);
        let last = of_type("response.completed").chain(of_type("response.incomplete")).next();
        let mut response = last.unwrap()["response"].clone();
        let items = of_type("response.output_item.done").map(|event| event["item"].clone());
        response["output"] = items.collect();
        response
    };
    let mut said = Said::default();
    for item in response["output"].as_array().unwrap() {
        match item["type"].as_str().unwrap() {
            "message" => {
                for part in item["content"].as_array().unwrap() {
                    said.text.push_str(part["text"].as_str().or(part["refusal"].as_str()).unwrap());
                    assert!(part["annotations"].as_array().is_none_or(Vec::is_empty), "{part}");
                }
            }
            "function_call" => said.calls.push((
                item["call_id"].as_str().unwrap().to_owned(),
                item["name"].as_str().unwrap().to_owned(),
                item["arguments"].as_str().unwrap().to_owned(),
            )),
            "reasoning" => {
                said.reasoning.push_str(&summary(item));
                said.signatures.push_str(&sealed(item));
            }
            other => panic!("an unexpected item: {other}"),
        }
    }
    let number = |pointer: &str| response["usage"].pointer(pointer).and_then(Value::as_u64);
    said.usage = Usage::new(number("/input_tokens").unwrap(), number("/output_tokens").unwrap());
    said.usage.total_tokens = number("/total_tokens").unwrap();
    said.usage.cache_read_input_tokens = number("/input_tokens_details/cached_tokens");
    said.usage.cache_write_input_tokens = number("/input_tokens_details/cache_write_tokens");
    said.usage.reasoning_output_tokens = number("/output_tokens_details/reasoning_tokens");
    said.stop = match response["incomplete_details"]["reason"].as_str() {
        Some("max_output_tokens") => "max_tokens",
        None if said.calls.is_empty() => "end_turn",
        None => "tool_use",
        other => panic!("an unexpected reason to stop: {other:?}"),
    }
    .to_owned();
    said
}

fn summary(item: &Value) -> String {
    let parts =
        item["summary"].as_array().unwrap().iter().map(|part| part["text"].as_str().unwrap());
    parts.collect::<Vec<_>>().join("\n\n")
}

/// What is kept of an item of thoughts, in the form that histories have it in.
fn sealed(item: &Value) -> String {
    let mut sealed = json!({"server": "127.0.0.1", "id": item["id"]});
    if item["encrypted_content"].is_string() {
        sealed["encrypted_content"] = item["encrypted_content"].clone();
    }
    json!({"openaiResponses": sealed}).to_string()
}

/// The conversation of a recorded request.
fn conversation(request: &Value) -> Result<ModelRequest, &'static str> {
    const CALL: &str = "a call that is none of ours";
    let mut system: Vec<String> =
        request["instructions"].as_str().map(str::to_owned).into_iter().collect();
    let mut messages: Vec<Message> = Vec::new();
    let mut add = |role: Role, block: ContentBlock, joins: bool| match messages.last_mut() {
        Some(last) if last.role == role && joins => last.content.push(block),
        _ => messages.push(Message::new(role, vec![block])),
    };
    let mut begun = false;
    for item in request["input"].as_array().ok_or("the greeting of a websocket")? {
        match (item["type"].as_str().unwrap(), item["role"].as_str().unwrap_or_default()) {
            ("message", "system") if begun => return Err("a system message in mid-conversation"),
            ("message", "system") => system.push(text(item)),
            ("message", "user") => {
                for (at, part) in parts(item).iter().enumerate() {
                    add(Role::User, block(part)?, at > 0);
                }
            }
            ("message", "assistant") => add(Role::Assistant, ContentBlock::Text(text(item)), true),
            ("function_call", _) => {
                let field = |key: &str| item[key].as_str().ok_or(CALL);
                let input = serde_json::from_str(field("arguments")?).map_err(|_| CALL)?;
                let call = ToolUse::new(field("call_id")?, field("name")?, input);
                add(Role::Assistant, call.into(), true);
            }
            ("function_call_output", _) => {
                let id = item["call_id"].as_str().ok_or(CALL)?;
                let result = ToolResult::success(id, item["output"].as_str().ok_or(CALL)?);
                add(Role::User, ContentBlock::ToolResult(result), true);
            }
            ("reasoning", _) => {
                let thoughts = ReasoningText {
                    text: summary(item),
                    signature: Some(sealed(item)),
                    extra: Extra::new(),
                };
                let thoughts = ReasoningContent::ReasoningText(thoughts);
                add(Role::Assistant, ContentBlock::ReasoningContent(thoughts), true);
            }
            _ => return Err("an item that is none of ours"),
        }
        begun |= item["role"] != "system";
    }
    let mut rendered = ModelRequest::new(transcript(messages)?);
    if !system.is_empty() {
        rendered = rendered.with_system(system.join("\n"));
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    Ok(rendered.with_tools(tools.map(|tool| {
        let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
        ToolSpec::new(text("name"), text("description"), tool["parameters"].clone())
    })))
}

fn parts(item: &Value) -> Vec<Value> {
    match &item["content"] {
        Value::String(text) => vec![json!({"type": "input_text", "text": text})],
        parts => parts.as_array().unwrap().clone(),
    }
}

fn text(item: &Value) -> String {
    parts(item).iter().map(|part| part["text"].as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

fn block(part: &Value) -> Result<ContentBlock, &'static str> {
    match part["type"].as_str().unwrap() {
        "input_text" => Ok(ContentBlock::Text(part["text"].as_str().unwrap().to_owned())),
        "input_file" => Ok(ContentBlock::Document(DocumentBlock {
            format: "pdf".into(),
            name: "document".into(),
            source: Source::Location(json!({"type": "url", "uri": part["file_url"]})),
            extra: Extra::new(),
        })),
        _ => Err("media that are none of ours"),
    }
}

/// A request without the freedoms that the interface leaves.
fn normal(request: &Value) -> Vec<Value> {
    let mut system: Vec<String> =
        request["instructions"].as_str().map(str::to_owned).into_iter().collect();
    let mut normal = Vec::new();
    for item in request["input"].as_array().unwrap() {
        normal.push(match item["type"].as_str().unwrap() {
            "message" if item["role"] == "system" => {
                system.push(text(item));
                continue;
            }
            "message" => {
                let said = parts(item)
                    .iter()
                    .map(|part| json!([part["text"], part["file_url"]]))
                    .collect::<Vec<_>>();
                json!([item["role"], said])
            }
            "function_call" => {
                let arguments: Value =
                    serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
                json!([item["type"], item["call_id"], item["name"], arguments])
            }
            "function_call_output" => json!([item["type"], item["call_id"], item["output"]]),
            "reasoning" => {
                json!([item["type"], item["id"], item["encrypted_content"], summary(item)])
            }
            other => panic!("an unexpected item: {other}"),
        });
    }
    normal.insert(0, json!(system));
    for tool in request["tools"].as_array().into_iter().flatten() {
        normal.push(json!([tool["type"], tool["name"], tool["description"], tool["parameters"]]));
    }
    normal
}
