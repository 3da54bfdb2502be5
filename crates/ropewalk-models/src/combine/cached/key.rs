//! Which requests are the same.

use ropewalk_core::{Message, ModelRequest, input_hash};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::render::Cache;

/// The hash of all that determines the answer to a request; none if something of it has no JSON form. Each part of it is
/// hashed without regard to the order of keys in objects; those of messages and tools only once.
pub(super) fn of(model: &str, request: &ModelRequest, hashes: &Cache) -> Option<[u8; 32]> {
    let ModelRequest { system, tool_choice, output_schema, max_output_tokens, .. } = request;
    let rest = json!({
        "model": model,
        "system": serde_json::to_value(system).ok()?,
        "toolChoice": serde_json::to_value(tool_choice).ok()?,
        "outputSchema": output_schema.as_deref(),
        "maxOutputTokens": max_output_tokens,
    });
    let tools = hashes.tools(&request.tools, |tools| hashed(serde_json::to_value(tools).ok()));
    let messages = hashes.messages(&request.messages, |message, _| hashed(said(message)));
    if tools.is_empty() || messages.iter().any(|message| message.is_empty()) {
        return None;
    }
    // Each part has the same length, so that no two lists of parts look alike.
    let mut hash = Sha256::new();
    hash.update(input_hash(&rest));
    hash.update(tools.as_bytes());
    messages.iter().for_each(|message| hash.update(message.as_bytes()));
    Some(hash.finalize().into())
}

/// Empty if there is nothing to hash.
fn hashed(value: Option<Value>) -> String {
    value.as_ref().map(input_hash).unwrap_or_default()
}

/// A message without what was measured of it, which differs each time and goes to no model.
fn said(message: &Message) -> Option<Value> {
    let mut said = serde_json::to_value(message).ok()?;
    said.as_object_mut()?.remove("metadata");
    Some(said)
}
