//! Bedrock: a server of frames, and what is said over it.

mod errors;
mod kit;
mod request;
mod stream;
mod turn;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use ropewalk_core::{Error, ModelChunk};
use ropewalk_models::{BedrockModel, BedrockModelBuilder};
use serde_json::{Value, json};

use crate::support::{Reply, Server, ask, collect};

pub(crate) const EVENTS: &str = "application/vnd.amazon.eventstream";

pub(crate) fn builder_for(server: &Server, model: &str) -> BedrockModelBuilder {
    BedrockModel::builder(model)
        .endpoint_url(&server.origin)
        .region("eu-north-1")
        .credentials("AKIDEXAMPLE", "very-secret-key")
}

fn builder(server: &Server) -> BedrockModelBuilder {
    builder_for(server, "anthropic.claude-test-v1:0")
}

fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut message = Message::new(payload.to_vec());
    for (name, value) in headers {
        let value = HeaderValue::String((*value).to_owned().into());
        message = message.add_header(Header::new((*name).to_owned(), value));
    }
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

/// An event of an answer.
fn event(name: &str, mut payload: Value) -> Vec<u8> {
    payload["p"] = "abcdefgh".into();
    let headers =
        [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

/// The report of a failure in the middle of an answer.
fn exception(name: &str, payload: Value) -> Vec<u8> {
    let headers = [(":exception-type", name), (":message-type", "exception")];
    frame(&headers, payload.to_string().as_bytes())
}

fn start() -> Vec<u8> {
    event("messageStart", json!({"role": "assistant"}))
}

fn delta(number: u64, delta: Value) -> Vec<u8> {
    event("contentBlockDelta", json!({"contentBlockIndex": number, "delta": delta}))
}

fn call(number: u64, id: &str, name: &str) -> Vec<u8> {
    let start = json!({"toolUse": {"toolUseId": id, "name": name}});
    event("contentBlockStart", json!({"contentBlockIndex": number, "start": start}))
}

fn stop(number: u64) -> Vec<u8> {
    event("contentBlockStop", json!({"contentBlockIndex": number}))
}

fn end(reason: &str) -> Vec<u8> {
    event("messageStop", json!({"stopReason": reason}))
}

fn usage() -> Vec<u8> {
    let usage = json!({"inputTokens": 7, "outputTokens": 3, "totalTokens": 15,
        "cacheReadInputTokens": 5, "cacheWriteInputTokens": 0});
    event("metadata", json!({"usage": usage, "metrics": {"latencyMs": 321}}))
}

fn reply(frames: &[Vec<u8>]) -> Reply {
    Reply::pieces(EVENTS, [&frames.concat()[..]])
}

/// A whole answer of one text.
fn hello() -> Vec<Vec<u8>> {
    vec![start(), delta(0, json!({"text": "Hello"})), stop(0), end("end_turn"), usage()]
}

/// What becomes of an answer of these frames.
async fn answer(frames: &[Vec<u8>]) -> (Vec<ModelChunk>, Option<Error>) {
    let server = Server::start([reply(frames)]).await;
    collect(&builder(&server).build().unwrap(), ask("?")).await
}
