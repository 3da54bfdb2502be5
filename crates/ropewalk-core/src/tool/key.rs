//! The key of a tool call.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::id::{CycleId, call_key};
use crate::message::ToolUse;

/// The key of a tool call; see [`ToolContext::idempotency_key`](super::ToolContext::idempotency_key). It is worked out for
/// the first who asks: as long as nothing is stored, most are never asked for. Clones share it.
#[derive(Clone)]
pub(crate) struct CallKey(Arc<Key>);

enum Key {
    /// Of a call in a cycle.
    Of(CycleId, Arc<ToolUse>, OnceLock<String>),
    Read(String),
}

impl CallKey {
    /// The key of the call that is made for a use in a cycle.
    pub(crate) fn new(cycle: CycleId, tool_use: Arc<ToolUse>) -> Self {
        Self(Arc::new(Key::Of(cycle, tool_use, OnceLock::new())))
    }

    pub(crate) fn as_str(&self) -> &str {
        match &*self.0 {
            Key::Of(CycleId { run, invocation, cycle }, tool_use, text) => {
                text.get_or_init(|| call_key(run, *invocation, *cycle, &tool_use.tool_use_id))
            }
            Key::Read(text) => text,
        }
    }
}

impl From<String> for CallKey {
    fn from(text: String) -> Self {
        Self(Arc::new(Key::Read(text)))
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
