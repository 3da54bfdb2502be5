//! The key of a tool call.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::id::{CycleId, call_key};
use crate::message::ToolUse;

/// The key of a tool call; see [`ToolContext::idempotency_key`](super::ToolContext::idempotency_key). It is worked out for
/// the first who asks: as long as nothing is stored, most are never asked for. Clones share it.
#[derive(Clone)]
pub(crate) struct CallKey(Arc<Key>);

struct Key {
    text: OnceLock<String>,
    /// What it is made of; none of one that was read.
    of: Option<(CycleId, Arc<ToolUse>)>,
}

impl CallKey {
    /// The key of the call that is made for a use in a cycle.
    pub(crate) fn new(cycle: CycleId, tool_use: Arc<ToolUse>) -> Self {
        Self(Arc::new(Key { text: OnceLock::new(), of: Some((cycle, tool_use)) }))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.text.get_or_init(|| match &self.0.of {
            Some((CycleId { run, invocation, cycle }, tool_use)) => {
                call_key(run, *invocation, *cycle, &tool_use.tool_use_id)
            }
            None => String::new(),
        })
    }
}

impl From<String> for CallKey {
    fn from(text: String) -> Self {
        Self(Arc::new(Key { text: text.into(), of: None }))
    }
}

impl fmt::Debug for CallKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
