//! Bedrock's Converse and ConverseStream.

use ropewalk_core::{ErrorKind, Message, Model, ModelRequest, ToolChoice, ToolSpec, Usage};
use ropewalk_models::BedrockModel;
use serde_json::{Map, Value, json};

use super::{Adapter, Exchange, exchanges, transcript, tried};
use crate::support::{Reply, Said, Server, ask, collect};

struct Converse;

impl Adapter for Converse {
    fn name(&self) -> &str {
        "Bedrock Converse"
    }

    fn takes(&self, exchange: &Exchange) -> bool {
        exchange.provider == "bedrock"
    }

    fn model(&self, origin: &str, exchange: &Exchange) -> Box<dyn Model> {
        let mut parts = exchange.path.split('/').skip(2);
        let model = parts.next().unwrap().replace("%3A", ":");
        let mut builder = BedrockModel::builder(model)
            .endpoint_url(origin)
            .region("us-east-1")
            .credentials("AKIDEXAMPLE", "very-secret-key")
            .streaming(parts.next() == Some("converse-stream"));
        let inference = &exchange.request["inferenceConfig"];
        if let Some(tokens) = inference["maxTokens"].as_u64() {
            builder = builder.max_tokens(tokens);
        }
        if let Some(temperature) = inference["temperature"].as_f64() {
            builder = builder.temperature(temperature);
        }
        Box::new(builder.build().unwrap())
    }

    fn read(&self, exchange: &Exchange) -> Said {
        let mut said = Said::default();
        if exchange.content_type.contains("eventstream") {
            frames(&exchange.body)
                .iter()
                .for_each(|(name, event)| streamed(name, event, &mut said));
        } else {
            whole(&serde_json::from_slice(&exchange.body).unwrap(), &mut said);
        }
        said
    }

    fn refusal(&self, exchange: &Exchange) -> (ErrorKind, String) {
        let body: Value = serde_json::from_str(exchange.text()).unwrap();
        (ErrorKind::InvalidRequest, body["message"].as_str().unwrap().to_owned())
    }

    fn conversation(&self, exchange: &Exchange) -> Result<ModelRequest, &'static str> {
        let sent = &exchange.request;
        let mut messages = sent["messages"].clone();
        wrap_bytes(&mut messages);
        let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
        let mut request = ModelRequest::new(transcript(messages)?);
        if let Some(text) = sent["system"][0]["text"].as_str() {
            request = request.with_system(text);
        }
        let tools = sent["toolConfig"]["tools"].as_array().into_iter().flatten();
        request = request.with_tools(tools.map(|tool| {
            let spec = &tool["toolSpec"];
            let text = |key: &str| spec[key].as_str().unwrap().to_owned();
            ToolSpec::new(text("name"), text("description"), spec["inputSchema"]["json"].clone())
        }));
        request.tool_choice = match &sent["toolConfig"]["toolChoice"] {
            Value::Null => None,
            choice => Some(serde_json::from_value::<ToolChoice>(choice.clone()).unwrap()),
        };
        Ok(request)
    }

    /// Messages of one role may be one or several, what a tool gave may be JSON or its text, an empty configuration is
    /// none, and names of documents had underscores only since their numbers were taken out of the recording.
    fn normal(&self, request: &Value) -> Value {
        let mut normal = request.clone();
        let mut merged: Vec<Value> = Vec::new();
        for mut message in request["messages"].as_array().unwrap().iter().cloned() {
            for block in message["content"].as_array_mut().unwrap() {
                let parts = block.pointer_mut("/toolResult/content").and_then(Value::as_array_mut);
                for part in parts.into_iter().flatten() {
                    if let Some(value) = part.get("json") {
                        *part = json!({"text": value.to_string()});
                    }
                }
                if let Some(Value::String(name)) = block.pointer_mut("/document/name") {
                    *name = name.replace('_', "-");
                }
            }
            match merged.last_mut().filter(|last| last["role"] == message["role"]) {
                Some(last) => {
                    let more = message["content"].as_array().unwrap().clone();
                    last["content"].as_array_mut().unwrap().extend(more);
                }
                None => merged.push(message),
            }
        }
        normal["messages"] = merged.into();
        let normal = normal.as_object_mut().unwrap();
        normal.retain(|_, value| value != &Value::Object(Map::new()));
        normal.clone().into()
    }
}

#[tokio::test]
async fn recorded_converse_calls_are_understood_and_sent_in_their_shape() {
    tried(&Converse).await;
}

/// A stream that is cut off before its reason to stop is never a success, wherever it is cut.
#[tokio::test]
async fn a_recorded_stream_that_is_cut_off_is_an_error() {
    let Some(exchanges) = exchanges() else { return };
    let streams = exchanges.iter().filter(|exchange| {
        Converse.takes(exchange) && exchange.content_type.contains("eventstream")
    });
    let mut tried = 0;
    for exchange in streams {
        let stopped = exchange.body.windows(11).position(|bytes| bytes == b"messageStop").unwrap();
        for end in (0..stopped).step_by(1 + stopped / 12) {
            let reply = Reply::pieces(&exchange.content_type, [&exchange.body[..end]]);
            let server = Server::start([reply]).await;
            let (_, error) = collect(&*Converse.model(&server.origin, exchange), ask("?")).await;
            let error = error.unwrap_or_else(|| panic!("{} cut at {end}", exchange.name));
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
    eprintln!("{tried} streams were cut off");
}

/// The bytes of media, as our messages hold them.
fn wrap_bytes(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(data) if key == "bytes" => {
                        *value = json!({"__bytes_encoded__": true, "data": data});
                    }
                    _ => wrap_bytes(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(wrap_bytes),
        _ => {}
    }
}

/// The events of a stream: two lengths, a checksum, headers of texts, JSON, a checksum.
fn frames(mut bytes: &[u8]) -> Vec<(String, Value)> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize;
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (length, headers) = (number(bytes), number(&bytes[4..]));
        let mut rest = &bytes[12..12 + headers];
        let mut name = String::new();
        while !rest.is_empty() {
            let key = 1 + usize::from(rest[0]);
            let size = usize::from(u16::from_be_bytes([rest[key + 1], rest[key + 2]]));
            if &rest[1..key] == b":event-type" {
                name = String::from_utf8(rest[key + 3..key + 3 + size].to_vec()).unwrap();
            }
            rest = &rest[key + 3 + size..];
        }
        frames.push((name, serde_json::from_slice(&bytes[12 + headers..length - 4]).unwrap()));
        bytes = &bytes[length..];
    }
    frames
}

fn streamed(name: &str, event: &Value, said: &mut Said) {
    match name {
        "contentBlockStart" => {
            let call = &event["start"]["toolUse"];
            let text = |key: &str| call[key].as_str().unwrap().to_owned();
            said.calls.push((text("toolUseId"), text("name"), String::new()));
        }
        "contentBlockDelta" => {
            let delta = &event["delta"];
            said.text.push_str(delta["text"].as_str().unwrap_or_default());
            if let Some(input) = delta["toolUse"]["input"].as_str() {
                said.calls.last_mut().unwrap().2.push_str(input);
            }
        }
        "messageStop" => said.stop = stop_reason(event, said),
        "metadata" => said.usage = usage(event),
        "messageStart" | "contentBlockStop" => {}
        other => panic!("an unexpected event {other}"),
    }
}

fn whole(answer: &Value, said: &mut Said) {
    for block in answer["output"]["message"]["content"].as_array().unwrap() {
        said.text.push_str(block["text"].as_str().unwrap_or_default());
        let call = &block["toolUse"];
        if call.is_object() {
            let text = |key: &str| call[key].as_str().unwrap().to_owned();
            said.calls.push((text("toolUseId"), text("name"), call["input"].to_string()));
        }
    }
    said.stop = stop_reason(answer, said);
    said.usage = usage(answer);
}

/// Bedrock has been seen to end a turn with calls in it.
fn stop_reason(event: &Value, said: &Said) -> String {
    match event["stopReason"].as_str().unwrap() {
        "end_turn" if !said.calls.is_empty() => "tool_use".to_owned(),
        reason => reason.to_owned(),
    }
}

fn usage(event: &Value) -> Usage {
    let number = |key: &str| event["usage"][key].as_u64();
    let mut usage = Usage::new(number("inputTokens").unwrap(), number("outputTokens").unwrap());
    usage.total_tokens = number("totalTokens").unwrap();
    usage.cache_read_input_tokens = number("cacheReadInputTokens");
    usage.cache_write_input_tokens = number("cacheWriteInputTokens");
    usage
}
