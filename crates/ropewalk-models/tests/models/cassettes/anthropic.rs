//! Anthropic's Messages.

use ropewalk_core::{
    Blob, CachePoint, CitationsContent, ContentBlock, DocumentBlock, ErrorKind, Message, Model,
    ModelRequest, ReasoningContent, ReasoningText, Role, Source, SystemBlock, SystemPrompt,
    TextBlock, ToolChoice, ToolResult, ToolResultContent, ToolSpec, ToolUse, Usage,
};
use ropewalk_models::AnthropicModel;
use serde_json::{Map, Value, json};

use super::{Adapter, Exchange, exchanges, transcript, tried};
use crate::support::{Reply, Said, Server, ask, collect};

struct Messages;

impl Adapter for Messages {
    fn name(&self) -> &str {
        "Anthropic Messages"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.path.ends_with("/v1/messages")
    }

    fn model(&self, origin: &str, exchange: &Exchange) -> Box<dyn Model> {
        let mut builder = AnthropicModel::builder("test-model").base_url(origin);
        for key in ["max_tokens", "temperature", "thinking", "stop_sequences", "cache_control"] {
            if let Some(value) = exchange.request.get(key) {
                builder = builder.param(key, value.clone());
            }
        }
        let tools = exchange.request["tools"].as_array().into_iter().flatten();
        for tool in tools {
            if tool["type"].is_string() {
                builder = builder.server_tool(tool.clone());
            } else if let Some(point) = cache_point(tool) {
                builder = builder.cache_tools(point);
            }
        }
        Box::new(builder.api_key("sk-very-secret-key").build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        read(exchange.text())
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let body: Value = serde_json::from_str(exchange.text()).unwrap();
        let kind = match exchange.status {
            401 => ErrorKind::Authentication,
            _ => ErrorKind::InvalidRequest,
        };
        (kind, body["error"]["message"].as_str().unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        conversation(&exchange.request)
    }

    fn normal(&self, request: &Value) -> Value {
        normal(request)
    }
}

#[tokio::test]
async fn recorded_messages_are_understood_and_sent_in_their_shape() {
    tried(&Messages).await;
}

#[tokio::test]
async fn recorded_messages_that_are_cut_off_are_errors() {
    let Some(exchanges) = exchanges() else { return };
    let mut tried = 0;
    let streams = exchanges
        .iter()
        .filter(|exchange| Messages.takes(exchange) && exchange.body.starts_with(b"event:"));
    for exchange in streams.step_by(3) {
        let body = exchange.text();
        let events: Vec<&str> = body.split_inclusive("\n\n").collect();
        let reasoned = events.iter().position(|event| event.contains("event: message_delta"));
        for end in 0..reasoned.unwrap() {
            let server = Server::start([Reply::sse(&events[..end].concat())]).await;
            let model = Messages.model(&server.origin, exchange);
            let (chunks, error) = collect(&*model, ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{}: {chunks:?}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
    }
    eprintln!("{tried} streams were cut off");
}

/// The plainest reading of an answer, with nothing of the adapter in it.
fn read(body: &str) -> Said {
    let mut message = match body.trim_start().starts_with('{') {
        true => serde_json::from_str(body).unwrap(),
        false => joined(body),
    };
    let mut said = Said::default();
    for block in message["content"].as_array_mut().unwrap() {
        let text = |key: &str| block[key].as_str().unwrap_or_default().to_owned();
        match block["type"].as_str().unwrap() {
            "text" => {
                said.text.push_str(&text("text"));
                let told = block["citations"].as_array().into_iter().flatten();
                said.sources.extend(told.map(source));
            }
            "thinking" => {
                said.reasoning.push_str(&text("thinking"));
                said.signatures.push_str(&text("signature"));
            }
            "redacted_thinking" => said.sealed.extend(sealed(&text("data")).iter()),
            "tool_use" => {
                let input = match &block["input"] {
                    Value::String(text) => text.clone(),
                    Value::Object(map) if map.is_empty() => String::new(),
                    input => input.to_string(),
                };
                said.calls.push((text("id"), text("name"), input));
            }
            _ => {
                if let Value::String(input) = &block["input"] {
                    block["input"] = serde_json::from_str(input).unwrap();
                }
                // What asking for it left behind.
                let own: Map<String, Value> = block.as_object().unwrap().clone();
                let own: Map<String, Value> =
                    own.into_iter().filter(|(_, value)| !value.is_null()).collect();
                said.own.push(json!({"anthropic": own}));
            }
        }
    }
    let usage = &message["usage"];
    let number = |key: &str| usage[key].as_u64();
    let (read, written) =
        (number("cache_read_input_tokens"), number("cache_creation_input_tokens"));
    said.usage = Usage::new(number("input_tokens").unwrap(), number("output_tokens").unwrap());
    said.usage.total_tokens += read.unwrap_or(0) + written.unwrap_or(0);
    said.usage.cache_read_input_tokens = read;
    said.usage.cache_write_input_tokens = written;
    said.usage.reasoning_output_tokens = usage["output_tokens_details"]["thinking_tokens"].as_u64();
    said.stop = match message["stop_reason"].as_str().unwrap() {
        known @ ("end_turn" | "tool_use" | "max_tokens" | "stop_sequence") => known.to_owned(),
        other => panic!("an unexpected reason to stop: {other:?}"),
    };
    said
}

/// The message that the events of a stream make.
fn joined(body: &str) -> Value {
    let mut message = Value::Null;
    for data in body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        if data == "[DONE]" {
            continue;
        }
        let event: Value = serde_json::from_str(data).unwrap();
        match event["type"].as_str().unwrap() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => {
                let mut block = event["content_block"].clone();
                if block["input"].is_object() {
                    block["input"] = "".into();
                }
                message["content"].as_array_mut().unwrap().push(block);
            }
            "content_block_delta" => {
                let block = &mut message["content"][event["index"].as_u64().unwrap() as usize];
                let delta = &event["delta"];
                let mut add = |key: &str, piece: &Value| {
                    let text = block[key].as_str().unwrap_or_default().to_owned();
                    block[key] = (text + piece.as_str().unwrap()).into();
                };
                match delta["type"].as_str().unwrap() {
                    "text_delta" => add("text", &delta["text"]),
                    "thinking_delta" => add("thinking", &delta["thinking"]),
                    "signature_delta" => add("signature", &delta["signature"]),
                    "input_json_delta" => add("input", &delta["partial_json"]),
                    "citations_delta" => {
                        if !block["citations"].is_array() {
                            block["citations"] = json!([]);
                        }
                        block["citations"].as_array_mut().unwrap().push(delta["citation"].clone());
                    }
                    other => panic!("an unexpected piece: {other}"),
                }
            }
            "message_delta" => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                for (key, value) in event["usage"].as_object().unwrap() {
                    message["usage"][key] = value.clone();
                }
            }
            _ => {}
        }
    }
    message
}

/// A source in our form.
fn source(told: &Value) -> Value {
    let mut ours = Map::new();
    let kind = told["type"].as_str().unwrap();
    let location = match kind {
        "char_location" => json!({"documentChar": {"documentIndex": told["document_index"],
            "start": told["start_char_index"], "end": told["end_char_index"]}}),
        "web_search_result_location" => json!({"web": {"url": told["url"]}}),
        other => panic!("an unexpected source: {other}"),
    };
    ours.insert("location".into(), location);
    ours.insert("sourceContent".into(), json!([{"text": told["cited_text"]}]));
    let title = if kind == "char_location" { "document_title" } else { "title" };
    for (key, value) in [("title", &told[title]), ("encrypted_index", &told["encrypted_index"])] {
        if !value.is_null() {
            ours.insert(key.into(), value.clone());
        }
    }
    ours.into()
}

/// The bytes of sealed thoughts. In the recordings something else stands in their place.
fn sealed(data: &str) -> Blob {
    let encoded = json!({"__bytes_encoded__": true, "data": data});
    serde_json::from_value(encoded)
        .unwrap_or_else(|_| Blob::from(format!("anthropic:{data}").into_bytes()))
}

fn cache_point(block: &Value) -> Option<CachePoint> {
    let control = block.get("cache_control")?;
    let ttl = control["ttl"].as_str().map(str::to_owned);
    Some(CachePoint { ttl, ..CachePoint::default() })
}

/// The conversation of a recorded request.
fn conversation(request: &Value) -> Result<ModelRequest, &'static str> {
    let mut messages = Vec::new();
    for message in request["messages"].as_array().ok_or("no messages")? {
        let role = match message["role"].as_str().unwrap_or_default() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => return Err("a system message among the others"),
        };
        let mut blocks = Vec::new();
        for told in blocks_of(&message["content"]) {
            blocks.push(block(&told)?);
            blocks.extend(cache_point(&told).map(ContentBlock::CachePoint));
        }
        messages.push(Message::new(role, blocks));
    }
    let mut ours = ModelRequest::new(transcript(messages)?);
    let mut system = Vec::new();
    for told in request["system"].as_array().into_iter().flatten() {
        system.push(SystemBlock::Text(told["text"].as_str().unwrap().to_owned()));
        system.extend(cache_point(told).map(SystemBlock::CachePoint));
    }
    if !system.is_empty() {
        ours.system = Some(SystemPrompt::new(system));
    }
    let tools: Vec<&Value> = request["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tool| !tool["type"].is_string())
        .collect();
    if tools.iter().rev().skip(1).any(|tool| cache_point(tool).is_some()) {
        return Err("a cache point between tools");
    }
    ours.tool_choice = match request["tool_choice"]["type"].as_str() {
        Some("auto") => Some(ToolChoice::Auto {}),
        Some("any") => Some(ToolChoice::Any {}),
        Some("tool") => {
            let name = request["tool_choice"]["name"].as_str().unwrap().to_owned();
            Some(ToolChoice::Tool { name })
        }
        _ => None,
    };
    let schema = &request["output_config"]["format"]["schema"];
    if schema.is_object() {
        ours.output_schema = Some(std::sync::Arc::new(schema.clone()));
    }
    Ok(ours.with_tools(tools.into_iter().map(|tool| {
        let text = |key: &str| tool[key].as_str().unwrap_or_default().to_owned();
        ToolSpec::new(text("name"), text("description"), tool["input_schema"].clone())
    })))
}

fn blocks_of(content: &Value) -> Vec<Value> {
    match content {
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        content => content.as_array().cloned().unwrap_or_default(),
    }
}

fn block(told: &Value) -> Result<ContentBlock, &'static str> {
    let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
    Ok(match told["type"].as_str().unwrap_or_default() {
        "text" if told["citations"].is_array() => {
            let mut citations = Vec::new();
            for told in told["citations"].as_array().unwrap() {
                citations.push(serde_json::from_value(source(told)).unwrap());
            }
            let content = vec![TextBlock { text: text("text") }];
            let cited = CitationsContent { citations, content, ..Default::default() };
            ContentBlock::CitationsContent(cited)
        }
        "text" => ContentBlock::Text(text("text")),
        "tool_use" => {
            let tool_use = ToolUse::new(text("id"), text("name"), told["input"].clone());
            tool_use.into()
        }
        "tool_result" => {
            let mut result = ToolResult::success(text("tool_use_id"), "");
            result.content = blocks_of(&told["content"])
                .iter()
                .map(|part| ToolResultContent::Text(part["text"].as_str().unwrap().to_owned()))
                .collect();
            ContentBlock::ToolResult(result)
        }
        "thinking" => {
            let signature = Some(text("signature"));
            let thoughts =
                ReasoningText { text: text("thinking"), signature, ..Default::default() };
            ContentBlock::ReasoningContent(ReasoningContent::ReasoningText(thoughts))
        }
        "redacted_thinking" => {
            let sealed = sealed(&text("data"));
            ContentBlock::ReasoningContent(ReasoningContent::RedactedContent(sealed))
        }
        "document" => {
            let bytes = told["source"]["data"].as_str().unwrap().as_bytes().to_vec();
            let mut extra = Map::new();
            if told["citations"].is_object() {
                extra.insert("citations".into(), told["citations"].clone());
            }
            let source = Source::Bytes(Blob::from(bytes));
            let document =
                DocumentBlock { format: "txt".into(), name: text("title"), source, extra };
            ContentBlock::Document(document)
        }
        _ => serde_json::from_value(json!({"anthropic": told})).unwrap(),
    })
}

/// A request without the freedoms that the interface leaves, and without what our requests can't say: that no tool
/// may be called, and that a single tool is strict.
fn normal(request: &Value) -> Value {
    let mut normal = request.clone();
    let map = normal.as_object_mut().unwrap();
    for key in ["model", "stream"] {
        map.remove(key);
    }
    if map.get("tool_choice").is_some_and(|choice| choice["type"] == "none") {
        map.remove("tool_choice");
    }
    for tool in map.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        tool.as_object_mut().unwrap().remove("strict");
    }
    for message in map["messages"].as_array_mut().unwrap() {
        let mut blocks = blocks_of(&message["content"]);
        for block in blocks.iter_mut().filter(|block| block["type"] == "tool_result") {
            block["content"] = blocks_of(&block["content"]).into();
        }
        message["content"] = blocks.into();
    }
    without_short_times(&mut normal);
    normal
}

/// Five minutes are what a cache point lasts unless said.
fn without_short_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.get("type").is_some_and(|kind| kind == "ephemeral")
                && map.get("ttl").is_some_and(|ttl| ttl == "5m")
            {
                map.remove("ttl");
            }
            map.values_mut().for_each(without_short_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_short_times),
        _ => {}
    }
}
