//! The key of a tool call.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::Run;
use crate::id::{CycleId, call_key};
use crate::message::ToolUse;

/// The key of a tool call; see [`ToolContext::idempotency_key`](crate::ToolContext::idempotency_key). It is worked out for
/// the first who asks: as long as nothing is stored, most are never asked for. Clones share it.
#[derive(Clone)]
pub(crate) struct CallKey(Arc<Key>);

struct Key {
    text: OnceLock<String>,
    /// What it is made of; none of one that was read.
    of: Option<(CycleId, Arc<ToolUse>)>,
}

impl CallKey {
    pub(crate) fn as_str(&self) -> &str {
        self.0.text.get_or_init(|| match &self.0.of {
            Some((CycleId { run, invocation, cycle }, tool_use)) => {
                call_key(run, *invocation, *cycle, &tool_use.tool_use_id)
            }
            None => String::new(),
        })
    }
}

impl Run {
    /// The key of a call of the answer under way.
    pub(crate) fn call_key(&self, tool_use: &Arc<ToolUse>) -> CallKey {
        let of = Some((self.cycle_id(self.cycles), Arc::clone(tool_use)));
        CallKey(Arc::new(Key { text: OnceLock::new(), of }))
    }

    /// The id of the cycle that begins now.
    pub(crate) fn next_cycle_id(&self) -> CycleId {
        self.cycle_id(self.cycles + 1)
    }

    fn cycle_id(&self, cycle: u32) -> CycleId {
        CycleId { run: Arc::clone(&self.id), invocation: self.invocation, cycle }
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
