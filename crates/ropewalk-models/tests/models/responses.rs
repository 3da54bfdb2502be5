//! OpenAI's Responses.

mod aimock;
mod errors;
mod kit;
mod request;
mod state;
mod stream;

use ropewalk_core::{Message, ModelRequest, Transcript};
use ropewalk_models::{OpenAiResponses, OpenAiResponsesBuilder};
use serde_json::{Value, json};

use crate::support::{Reply, Seen, Server, collect, event};

fn builder(server: &Server) -> OpenAiResponsesBuilder {
    OpenAiResponses::builder("test-model").base_url(&server.url).api_key("sk-very-secret-key")
}

/// What a model with these settings sends.
async fn sent_by(
    request: ModelRequest,
    set: impl FnOnce(OpenAiResponsesBuilder) -> OpenAiResponsesBuilder,
) -> Seen {
    let server = Server::start([Reply::json(200, &[], "{}")]).await;
    collect(&set(builder(&server)).build().unwrap(), request).await;
    server.seen().remove(0)
}

fn request(messages: Value) -> ModelRequest {
    let messages: Vec<Message> = serde_json::from_value(messages).unwrap();
    ModelRequest::new(Transcript::from_messages(messages).unwrap())
}

/// An event of this type about the item with this number.
fn about(kind: &str, item: u64, mut fields: Value) -> String {
    fields["type"] = format!("response.{kind}").into();
    fields["output_index"] = item.into();
    event(fields)
}

fn added(item: u64, fields: Value) -> String {
    about("output_item.added", item, json!({"item": fields}))
}

fn done(item: u64, fields: Value) -> String {
    about("output_item.done", item, json!({"item": fields}))
}

fn message(text: &str) -> Value {
    json!({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]})
}

/// A text that comes in pieces.
fn text(item: u64, pieces: &[&str]) -> String {
    let mut events = added(item, json!({"type": "message", "id": "msg_1", "content": []}));
    for piece in pieces {
        events += &about("output_text.delta", item, json!({"content_index": 0, "delta": piece}));
    }
    events + &done(item, message(&pieces.concat()))
}

fn call(item: u64, id: &str, pieces: &[&str]) -> String {
    let call = |arguments: String| {
        json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": "look",
            "arguments": arguments})
    };
    let mut events = added(item, call(String::new()));
    for piece in pieces {
        events += &about("function_call_arguments.delta", item, json!({"delta": piece}));
    }
    events + &done(item, call(pieces.concat()))
}

fn response(status: &str, fields: Value) -> Value {
    let mut response = json!({"id": "resp_1", "object": "response", "status": status, "output": [],
        "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18,
            "input_tokens_details": {"cached_tokens": 4}, "output_tokens_details": {"reasoning_tokens": 3}}});
    for (key, value) in fields.as_object().unwrap() {
        response[key] = value.clone();
    }
    response
}

fn ended(status: &str, fields: Value) -> String {
    event(json!({"type": format!("response.{status}"), "response": response(status, fields)}))
}

fn completed() -> String {
    ended("completed", json!({}))
}

fn created() -> String {
    event(json!({"type": "response.created", "response": response("in_progress", json!({}))}))
}
