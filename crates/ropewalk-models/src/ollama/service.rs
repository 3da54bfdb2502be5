//! What is known of Ollama.

use crate::http::{KeyHeader, Kinds, Service};

/// A server of one's own, or Ollama's cloud.
pub(super) const OLLAMA: Service = Service {
    prefix: "ollama",
    name: "Ollama",
    key_variable: "OLLAMA_API_KEY",
    url_variable: "OLLAMA_HOST",
    base_url: "http://127.0.0.1:11434",
    needs_key: false,
    key: KeyHeader::Bearer,
    example: "qwen3:4b",
    tails: &["/api/chat", "/api", "/v1"],
    own_params: &["model", "messages", "tools"],
    kinds: Kinds::COMMON,
};
