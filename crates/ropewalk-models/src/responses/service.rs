//! What is known of OpenAI's Responses.

use crate::http::{Endpoint, KeyHeader, Kinds, Service};
use crate::render::{IdRule, word};

pub(super) const OPENAI: Service = Service {
    prefix: "openai-responses",
    name: "OpenAI",
    key_variable: "OPENAI_API_KEY",
    url_variable: "OPENAI_BASE_URL",
    base_url: "https://api.openai.com/v1",
    needs_key: true,
    key: KeyHeader::Bearer,
    example: "gpt-5.2",
    tails: &["/responses"],
    own_params: &[
        "model",
        "input",
        "instructions",
        "tool_choice",
        "previous_response_id",
        "conversation",
    ],
    kinds: Kinds::COMMON,
};

/// OpenAI refuses longer ids of calls.
pub(super) const IDS: IdRule = IdRule { longest: 64, takes: word, is_exact: false };

/// Whether the server is OpenAI's own.
pub(super) fn is_official(endpoint: &Endpoint) -> bool {
    endpoint.host() == "api.openai.com" || endpoint.is_at("openai.azure.com")
}

/// Whether the server encrypts the model's thoughts for us to keep. OpenAI refuses to be asked for it with models that
/// do not think; what other servers do with the question is known of few.
pub(super) fn encrypts(endpoint: &Endpoint) -> bool {
    const THOUGHTLESS: [&str; 3] = ["gpt-3", "gpt-4", "chatgpt-"];
    let model = &endpoint.model;
    let thinks =
        !THOUGHTLESS.iter().any(|family| model.starts_with(family)) && !model.contains("-chat");
    (is_official(endpoint) && thinks) || endpoint.is_at("x.ai") || endpoint.is_at("openrouter.ai")
}

/// Whether the server keeps the system prompt with the conversation. xAI's does, and refuses to be told it with an answer
/// to go on from; others want it anew each time.
pub(super) fn keeps_system(endpoint: &Endpoint) -> bool {
    endpoint.is_at("x.ai")
}
