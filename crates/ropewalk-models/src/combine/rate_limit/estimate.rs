//! How many tokens a request is before anybody counted.

use ropewalk_core::{Message, ModelRequest};
use serde::Serialize;

/// About how many tokens a model reads of a request. Where an earlier call of the conversation says how many it was,
/// only what came since is estimated.
pub(in crate::combine) fn estimated_input(request: &ModelRequest) -> u64 {
    let mut since = 0u64;
    for message in request.messages.iter().rev() {
        if let Some(known) = total_tokens(message) {
            return known.saturating_add(since);
        }
        since = since.saturating_add(message.estimated_tokens());
    }
    let system = request.system.as_ref().and_then(|system| system.text()).unwrap_or_default();
    let system = u64::try_from(system.chars().count().div_ceil(4)).unwrap_or(u64::MAX);
    let tools = request.tools.iter().map(json).fold(0, u64::saturating_add);
    let schema = request.output_schema.as_ref().map_or(0, json);
    since.saturating_add(system).saturating_add(tools).saturating_add(schema)
}

/// What the call behind a message read and wrote: the next one reads both.
fn total_tokens(message: &Message) -> Option<u64> {
    let usage = message.metadata.as_ref()?.usage?;
    (usage.total_tokens > 0).then_some(usage.total_tokens)
}

/// One token for two characters of JSON, as for messages.
fn json(value: &impl Serialize) -> u64 {
    let length = serde_json::to_string(value).map_or(0, |json| json.len());
    u64::try_from(length.div_ceil(2)).unwrap_or(u64::MAX)
}
