//! What is known of OpenAI.

use crate::http::{KeyHeader, Kinds, Service};

/// OpenAI, and whoever speaks its chat interface.
pub(super) const OPENAI: Service = Service {
    prefix: "openai",
    name: "OpenAI",
    key_variable: "OPENAI_API_KEY",
    url_variable: "OPENAI_BASE_URL",
    base_url: "https://api.openai.com/v1",
    needs_key: true,
    key: KeyHeader::Bearer,
    example: "gpt-4o-mini",
    tails: &["/chat/completions"],
    own_params: &["model", "messages", "tools", "tool_choice", "stream_options"],
    kinds: Kinds::COMMON,
};
