//! Why an answer ends.

use ropewalk_core::{Error, ErrorKind, StopReason};
use serde_json::{Map, Value};

use crate::http::Endpoint;

/// The reason as all providers' are called.
pub(super) fn stop_reason(reason: &str) -> StopReason {
    match reason {
        // The second is none of Google's, but servers with the same interface say so.
        "STOP" | "FUNCTION_CALL" => StopReason::EndTurn,
        "MAX_TOKENS" => StopReason::MaxTokens,
        "SAFETY"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "MODEL_ARMOR"
        | "ESCALATION" => StopReason::GuardrailIntervened,
        "RECITATION" | "IMAGE_RECITATION" | "LANGUAGE" => StopReason::ContentFiltered,
        other => StopReason::from(other),
    }
}

/// The error behind reasons that say that there is no answer.
pub(super) fn failed(
    reason: &str,
    candidate: &Map<String, Value>,
    endpoint: &Endpoint,
) -> Option<Error> {
    let (kind, why) = match reason {
        // The next try may well be a good one.
        "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" | "MALFORMED_RESPONSE" => {
            (ErrorKind::Unavailable, "the model wrote what the provider can't read as an answer")
        }
        "MISSING_THOUGHT_SIGNATURE" => {
            (ErrorKind::InvalidRequest, "the provider misses a signature over thoughts")
        }
        _ => return None,
    };
    let said = candidate.get("finishMessage").and_then(Value::as_str).unwrap_or_default();
    let separator = if said.is_empty() { "" } else { ": " };
    let text = format!("{why} (finishReason `{reason}`){separator}{said}");
    Some(endpoint.error(kind, text))
}

/// Why the prompt was refused before the model saw it, if it was.
pub(super) fn blocked(feedback: &Value) -> bool {
    feedback.get("blockReason").and_then(Value::as_str).is_some_and(|reason| !reason.is_empty())
}
