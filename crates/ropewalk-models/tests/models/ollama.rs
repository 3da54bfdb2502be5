//! Ollama's own chat interface.

mod aimock;
mod errors;
mod kit;
mod request;
mod stream;

use ropewalk_models::{OllamaModel, OllamaModelBuilder};
use serde_json::{Value, json};

use crate::support::{Reply, Server};

fn builder(server: &Server) -> OllamaModelBuilder {
    OllamaModel::builder("qwen3:4b").base_url(&server.origin)
}

/// A line with a piece of the message.
fn line(message: Value) -> String {
    format!("{}\n", json!({"model": "qwen3:4b", "message": message, "done": false}))
}

/// A line with a piece of text.
fn text(piece: &str) -> String {
    line(json!({"role": "assistant", "content": piece}))
}

/// The last line.
fn done(reason: &str) -> String {
    let last = json!({"model": "qwen3:4b", "message": {"role": "assistant", "content": ""}, "done": true,
        "done_reason": reason, "prompt_eval_count": 11, "eval_count": 7, "total_duration": 5});
    format!("{last}\n")
}

fn lines(lines: &[String]) -> Reply {
    Reply::pieces("application/x-ndjson", [lines.concat().as_bytes()])
}
