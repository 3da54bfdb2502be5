//! What is known of Anthropic.

use crate::http::{KeyHeader, Kinds, Service};

/// Anthropic, and whoever speaks its Messages interface.
pub(super) const ANTHROPIC: Service = Service {
    prefix: "anthropic",
    name: "Anthropic",
    key_variable: "ANTHROPIC_API_KEY",
    url_variable: "ANTHROPIC_BASE_URL",
    base_url: "https://api.anthropic.com",
    needs_key: true,
    key: KeyHeader::Named("x-api-key"),
    example: "claude-sonnet-4-5",
    // The path begins with `/v1`, so a base URL with it means the same.
    tails: &["/v1/messages", "/v1"],
    own_params: &["model", "messages", "system", "tools", "tool_choice"],
    kinds: Kinds {
        overflow: &["exceed context limit", "exceed your context limit"],
        unavailable: &["overloaded", "api_error"],
        ..Kinds::COMMON
    },
};

/// The version of the interface that is spoken.
pub(super) const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
/// The header that names what is not yet generally there.
pub(super) const BETA: &str = "anthropic-beta";

/// Models that take fewer tokens in an answer than those that came later, by the beginnings of their ids.
const SHORT_ANSWERS: [(&str, u64); 5] = [
    ("claude-3-opus", 4096),
    ("claude-3-sonnet", 4096),
    ("claude-3-haiku", 4096),
    ("claude-3-5", 8192),
    ("claude-2", 4096),
];

/// How many tokens an answer may have if nobody says it: the interface wants to be told.
pub(super) fn most_tokens(model: &str) -> u64 {
    let short = SHORT_ANSWERS.iter().find(|(earlier, _)| model.starts_with(earlier));
    match short {
        Some((_, most)) => *most,
        None if model.starts_with("claude-") => 32_000,
        // Nobody knows what the models of other servers take.
        None => 4096,
    }
}

/// Whether a model is older than the interface's JSON Schemas for answers.
pub(super) fn is_before_schemas(model: &str) -> bool {
    const EARLIER: [&str; 8] = [
        "claude-2",
        "claude-instant",
        "claude-3",
        "claude-opus-4-0",
        "claude-opus-4-1",
        "claude-opus-4-2025",
        "claude-sonnet-4-0",
        "claude-sonnet-4-2025",
    ];
    !model.starts_with("claude-") || EARLIER.iter().any(|earlier| model.starts_with(earlier))
}
