//! Anthropic's Messages.

mod aimock;
mod errors;
mod kit;
mod pause;
mod request;
mod schema;
mod stream;

use ropewalk_core::{Error, ModelChunk};
use ropewalk_models::{AnthropicModel, AnthropicModelBuilder};
use serde_json::{Value, json};

use crate::support::{Reply, Server, ask, collect};

fn builder(server: &Server) -> AnthropicModelBuilder {
    AnthropicModel::builder("claude-sonnet-4-5")
        .base_url(&server.origin)
        .api_key("sk-very-secret-key")
}

/// What a model makes of an answer of these events.
async fn answer(events: &[Value]) -> (Vec<ModelChunk>, Option<Error>) {
    replied(Reply::sse(&stream(events))).await
}

async fn replied(reply: Reply) -> (Vec<ModelChunk>, Option<Error>) {
    let server = Server::start([reply]).await;
    collect(&builder(&server).build().unwrap(), ask("?")).await
}

fn stream(events: &[Value]) -> String {
    events.iter().map(event).collect()
}

fn event(event: &Value) -> String {
    format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("message"))
}

fn start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "content": [], "model": "claude-sonnet-4-5-20250929", "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 9, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300,
            "output_tokens": 1, "service_tier": "standard"}}})
}

fn block(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn text(index: u64, text: &str) -> Value {
    delta(index, json!({"type": "text_delta", "text": text}))
}

fn input(index: u64, piece: &str) -> Value {
    delta(index, json!({"type": "input_json_delta", "partial_json": piece}))
}

fn end(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn ending(reason: &str) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 40}})
}

fn done() -> Value {
    json!({"type": "message_stop"})
}

fn ping() -> Value {
    json!({"type": "ping"})
}
