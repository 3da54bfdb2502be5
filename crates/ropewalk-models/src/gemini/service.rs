//! What is known of the Gemini API.

use crate::http::{KeyHeader, Kinds, Service};

/// Google's Gemini API.
pub(super) const GEMINI: Service = Service {
    prefix: "gemini",
    name: "Gemini",
    key_variable: "GEMINI_API_KEY",
    url_variable: "GOOGLE_GEMINI_BASE_URL",
    base_url: "https://generativelanguage.googleapis.com/v1beta",
    needs_key: true,
    key: KeyHeader::Named("x-goog-api-key"),
    example: "gemini-2.5-flash",
    tails: &["/models", "/openai"],
    own_params: &["contents", "systemInstruction", "system_instruction", "tools"],
    kinds: Kinds {
        throttled: &["resource_exhausted"],
        overflow: &[],
        unavailable: &["unavailable", "internal"],
        timeout: &["deadline_exceeded"],
        // The reasons that stand beside `INVALID_ARGUMENT`.
        authentication: &["api_key_invalid", "api_key_expired", "unauthenticated"],
    },
};

/// Where Google's own libraries look for the key as well.
pub(super) const GOOGLE_KEY: &str = "GOOGLE_API_KEY";
