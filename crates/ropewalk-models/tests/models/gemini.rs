//! The Gemini API.

mod aimock;
mod errors;
mod kit;
mod request;
mod settings;
mod stream;

use ropewalk_models::{GeminiModel, GeminiModelBuilder};
use serde_json::{Value, json};

use crate::support::{Server, event};

/// A model of the second generation at this server.
fn builder(server: &Server) -> GeminiModelBuilder {
    builder_of(server, "gemini-2.5-flash")
}

fn builder_of(server: &Server, id: &str) -> GeminiModelBuilder {
    GeminiModel::builder(id).base_url(&server.origin).api_key("AIza-very-secret-key")
}

/// An event with these parts.
fn parts(parts: Value) -> String {
    event(json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]}))
}

/// The last event of an answer.
fn finish(reason: &str) -> String {
    event(json!({
        "candidates": [{"finishReason": reason, "index": 0}],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
    }))
}
