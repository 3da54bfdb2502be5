//! Chat completions: OpenAI and all who speak its interface.

use ropewalk_core::{
    AudioBlock, Blob, ContentBlock, DocumentBlock, ErrorKind, Extra, ImageBlock, Message, Model,
    ModelRequest, Role, Source, ToolResult, ToolSpec, ToolUse, Usage,
};
use ropewalk_models::OpenAiChat;
use serde_json::{Value, json};

use super::{Adapter, Exchange, exchanges, transcript, tried};
use crate::support::{Reply, Said, Server, ask, collect};

struct Chat;

impl Adapter for Chat {
    fn name(&self) -> &str {
        "chat completions"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.path.ends_with("/chat/completions")
    }

    fn model(&self, origin: &str, _: &Exchange) -> Box<dyn Model> {
        let builder = OpenAiChat::builder("test-model").base_url(format!("{origin}/v1"));
        Box::new(builder.api_key("sk-very-secret-key").build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        read(exchange.text())
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let text = exchange.text();
        let kind = match exchange.status {
            401 => ErrorKind::Authentication,
            400 if text.contains("exceed_context_size") => ErrorKind::ContextOverflow,
            400..500 => ErrorKind::InvalidRequest,
            _ => ErrorKind::Unavailable,
        };
        let body: Value = serde_json::from_str(text).unwrap();
        let words = [&body["error"]["message"], &body["message"], &body["detail"]];
        (kind, words.into_iter().find_map(|words| words.as_str()).unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        let text = exchange.request.to_string();
        if text.contains("\"document_url\"") || text.contains("\"input_audio\":\"") {
            return Err("a document or sound as Mistral alone takes it (`MistralModel` does)");
        }
        conversation(&exchange.request)
    }

    fn normal(&self, request: &Value) -> Value {
        normal(request).into()
    }
}

#[tokio::test]
async fn recorded_chats_are_understood_and_sent_in_their_shape() {
    tried(&Chat).await;
}

/// A stream that is cut off before its end is never a success. Byte by byte would take long: each
/// line is enough, since a broken line is no event.
#[tokio::test]
async fn a_recorded_chat_that_is_cut_off_is_an_error() {
    let Some(exchanges) = exchanges() else { return };
    let mut tried = 0;
    let streams = exchanges
        .iter()
        .filter(|exchange| Chat.takes(exchange) && exchange.body.starts_with(b"data:"));
    for exchange in streams.step_by(5) {
        let body = exchange.text();
        let events: Vec<&str> = body.split_inclusive("\n\n").collect();
        let reasoned = events.iter().position(|event| !event.contains("\"finish_reason\":null"));
        for end in (0..reasoned.unwrap()).step_by(3) {
            let server = Server::start([Reply::sse(&events[..end].concat())]).await;
            let (chunks, error) = collect(&*Chat.model(&server.origin, exchange), ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{}: {chunks:?}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
    }
    eprintln!("{tried} streams were cut off");
}

/// The plainest reading of an answer, with nothing of the adapter in it.
pub(super) fn read(body: &str) -> Said {
    let mut said = Said::default();
    let mut finish = String::new();
    let events: Vec<Value> = if body.trim_start().starts_with('{') {
        vec![serde_json::from_str(body).unwrap()]
    } else {
        body.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .filter(|data| *data != "[DONE]")
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    };
    let mut calls: std::collections::BTreeMap<u64, (String, String, String)> = Default::default();
    for event in events {
        let usage = &event["usage"];
        if usage.is_object() {
            let number = |key: &str| usage[key].as_u64().unwrap();
            said.usage = Usage::new(number("prompt_tokens"), number("completion_tokens"));
            said.usage.total_tokens = number("total_tokens");
            said.usage.cache_read_input_tokens =
                usage["prompt_tokens_details"]["cached_tokens"].as_u64();
            said.usage.cache_write_input_tokens =
                usage["prompt_tokens_details"]["cache_write_tokens"].as_u64();
            said.usage.reasoning_output_tokens =
                usage["completion_tokens_details"]["reasoning_tokens"].as_u64();
        }
        for choice in event["choices"].as_array().into_iter().flatten() {
            if choice["index"] != 0 {
                continue;
            }
            let delta =
                if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            for key in ["content", "refusal"] {
                said.text.push_str(delta[key].as_str().unwrap_or_default());
            }
            for key in ["reasoning_content", "reasoning"] {
                said.reasoning.push_str(delta[key].as_str().unwrap_or_default());
            }
            for (at, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
                let index = call["index"].as_u64().unwrap_or(at as u64);
                let entry = calls.entry(index).or_default();
                entry.0.push_str(call["id"].as_str().unwrap_or_default());
                entry.1.push_str(call["function"]["name"].as_str().unwrap_or_default());
                entry.2.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
            }
            // OpenRouter says it twice.
            if let Some(reason) = choice["finish_reason"].as_str() {
                finish = reason.to_owned();
            }
        }
    }
    said.stop = match finish.as_str() {
        "stop" if calls.is_empty() => "end_turn",
        "stop" | "tool_calls" => "tool_use",
        "length" => "max_tokens",
        "content_filter" => "content_filtered",
        other => panic!("an unexpected reason to stop: {other:?}"),
    }
    .to_owned();
    said.calls = calls.into_values().collect();
    said
}

/// The conversation of a recorded request.
pub(super) fn conversation(request: &Value) -> Result<ModelRequest, &'static str> {
    const MEDIA: &str = "media that are none of ours";
    const CALL: &str = "a call that is none of ours";
    let mut system = Vec::new();
    let mut messages: Vec<Message> = Vec::new();
    for message in request["messages"].as_array().ok_or("no messages")? {
        if message["role"] == "user" && message["content"].is_array() {
            let parts = message["content"].as_array().into_iter().flatten();
            let blocks: Option<Vec<ContentBlock>> = parts.map(block).collect();
            messages.push(Message::new(Role::User, blocks.ok_or(MEDIA)?));
            continue;
        }
        let text = plain_text(&message["content"]).ok_or(MEDIA)?;
        match message["role"].as_str().unwrap_or_default() {
            "system" => system.push(text),
            "user" => messages.push(Message::user(text)),
            "assistant" => {
                let mut blocks = Vec::new();
                if !text.is_empty() {
                    blocks.push(ContentBlock::Text(text));
                }
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let function = &call["function"];
                    let input = function["arguments"].as_str().ok_or(CALL)?;
                    let input = serde_json::from_str(input).map_err(|_| CALL)?;
                    let (id, name) = (call["id"].as_str(), function["name"].as_str());
                    let tool_use = ToolUse::new(id.ok_or(CALL)?, name.ok_or(CALL)?, input);
                    blocks.push(tool_use.into());
                }
                messages.push(Message::new(Role::Assistant, blocks));
            }
            "tool" => {
                let id = message["tool_call_id"].as_str().ok_or(CALL)?;
                let result = ToolResult::success(id, text);
                match messages.last_mut() {
                    Some(last) if last.results().count() > 0 => {
                        last.content.push(ContentBlock::ToolResult(result));
                    }
                    _ => messages.push(Message::tool_results([result])),
                }
            }
            _ => return Err("a role that is none of ours"),
        }
    }
    // Ours sends one.
    if system.len() > 1 {
        return Err("several system messages");
    }
    let mut rendered = ModelRequest::new(transcript(messages)?);
    if let Some(system) = system.pop() {
        rendered = rendered.with_system(system);
    }
    let tools = request["tools"].as_array().into_iter().flatten();
    Ok(rendered.with_tools(tools.map(|tool| {
        let function = &tool["function"];
        let text = |key: &str| function[key].as_str().unwrap_or_default().to_owned();
        ToolSpec::new(text("name"), text("description"), function["parameters"].clone())
    })))
}

/// A part of a user's message.
fn block(part: &Value) -> Option<ContentBlock> {
    let source = |url: &str| match url.split_once(";base64,") {
        Some((_, data)) => bytes(data).map(Source::Bytes),
        None => Some(Source::Location(json!({"type": "url", "uri": url}))),
    };
    let extra = Extra::new();
    Some(match part["type"].as_str()? {
        "text" => ContentBlock::Text(part["text"].as_str()?.to_owned()),
        "image_url" => {
            let url = part["image_url"]["url"].as_str().or(part["image_url"].as_str())?;
            let format = url.strip_prefix("data:image/").and_then(|rest| rest.split(';').next());
            let format = format.unwrap_or("png").to_owned();
            ContentBlock::Image(ImageBlock { format, source: source(url)?, extra })
        }
        "document_url" => {
            let url = part["document_url"].as_str()?;
            let name = part["document_name"].as_str().unwrap_or("document.pdf").to_owned();
            let source = source(url)?;
            ContentBlock::Document(DocumentBlock { format: "pdf".into(), name, source, extra })
        }
        "file" => {
            let (url, name) =
                (part["file"]["file_data"].as_str()?, part["file"]["filename"].as_str()?);
            let (name, source) = (name.to_owned(), source(url)?);
            ContentBlock::Document(DocumentBlock { format: "pdf".into(), name, source, extra })
        }
        "input_audio" => {
            let sound = &part["input_audio"];
            let data = sound["data"].as_str().or(sound.as_str())?;
            let format = sound["format"].as_str().unwrap_or("mp3").to_owned();
            ContentBlock::Audio(AudioBlock { format, source: Source::Bytes(bytes(data)?), extra })
        }
        _ => return None,
    })
}

/// Bytes that are written in base64; none if they are not.
fn bytes(data: &str) -> Option<Blob> {
    serde_json::from_value(json!({"__bytes_encoded__": true, "data": data})).ok()
}

fn plain_text(content: &Value) -> Option<String> {
    match content {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts.iter().map(|part| part["text"].as_str()).collect();
            Some(texts?.join("\n"))
        }
        _ => None,
    }
}

/// The content of a message: texts that follow each other are one, and media are told by their first bytes.
fn said_in(content: &Value) -> Vec<Value> {
    if let Some(text) = plain_text(content) {
        return vec![text.into()];
    }
    let parts = content.as_array().into_iter().flatten();
    parts
        .map(|part| {
            let inner = &part[part["type"].as_str().unwrap()];
            let data = [&inner["url"], &inner["file_data"], &inner["data"], inner];
            let data = data.into_iter().find_map(|data| data.as_str()).unwrap();
            json!([part["type"], data])
        })
        .collect()
}

/// A request without the freedoms that the interface leaves.
pub(super) fn normal(request: &Value) -> Vec<Value> {
    let mut normal = Vec::new();
    for message in request["messages"].as_array().unwrap() {
        let calls: Vec<Value> = message["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| {
                let arguments = call["function"]["arguments"].as_str().unwrap();
                let arguments: Value = serde_json::from_str(arguments).unwrap();
                json!([call["id"], call["type"], call["function"]["name"], arguments])
            })
            .collect();
        let said = said_in(&message["content"]);
        normal.push(json!([message["role"], said, message["tool_call_id"], calls]));
    }
    for tool in request["tools"].as_array().into_iter().flatten() {
        let function = &tool["function"];
        normal.push(json!([
            tool["type"],
            function["name"],
            function["description"],
            function["parameters"]
        ]));
    }
    normal
}
