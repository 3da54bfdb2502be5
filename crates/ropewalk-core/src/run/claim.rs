//! What a tool call is claimed with before it runs.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::message::ToolUse;
use crate::tool::{CallKey, Replay};

/// What will run, as it stands before it does: which tool, with which arguments, and what may be done if nobody
/// knows whether it ran.
///
/// ```
/// use ropewalk_core::{Claim, Replay, ToolUse};
/// use serde_json::json;
///
/// let claim = Claim::new(ToolUse::new("t1", "pay", json!({"amount": 3})), "key", Replay::Idempotent);
/// assert_eq!((claim.tool(), &claim.input()["amount"]), ("pay", &json!(3)));
/// let stored = json!({"tool": "pay", "input": {"amount": 3}, "key": "key", "replay": "idempotent"});
/// assert_eq!(serde_json::to_value(&claim)?, stored);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Claim {
    /// With the tool's name and the arguments. It is shared with the conversation where no hook changed either, and its
    /// id is none of the claim's: one that was read has none.
    used: Arc<ToolUse>,
    key: CallKey,
    replay: Replay,
}

impl Claim {
    /// The claim of the tool that a use names, with the arguments of the use.
    pub fn new(used: impl Into<Arc<ToolUse>>, key: impl Into<String>, replay: Replay) -> Self {
        Self::with_key(used.into(), key.into().into(), replay)
    }

    pub(crate) fn with_key(used: Arc<ToolUse>, key: CallKey, replay: Replay) -> Self {
        Self { used, key, replay }
    }

    /// The tool's name.
    pub fn tool(&self) -> &str {
        &self.used.name
    }

    /// The arguments, as the hooks left them.
    pub fn input(&self) -> &Value {
        &self.used.input
    }

    /// The call's key; see [`ToolContext::idempotency_key`](crate::ToolContext::idempotency_key).
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    pub(crate) fn shared_key(&self) -> CallKey {
        self.key.clone()
    }

    /// What may be done if nobody knows whether it ran.
    pub fn replay(&self) -> Replay {
        self.replay
    }

    /// True if it is this tool, with these arguments.
    pub(crate) fn is_of(&self, tool: &str, input: &Value) -> bool {
        self.tool() == tool && self.input() == input
    }
}

impl PartialEq for Claim {
    fn eq(&self, other: &Self) -> bool {
        let same_end = self.key() == other.key() && self.replay == other.replay;
        same_end && other.is_of(self.tool(), self.input())
    }
}

#[derive(Serialize)]
struct Written<'a> {
    tool: &'a str,
    input: &'a Value,
    key: &'a str,
    replay: Replay,
}

#[derive(Deserialize)]
struct Read {
    tool: String,
    input: Value,
    key: String,
    #[serde(default)]
    replay: Replay,
}

impl Serialize for Claim {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (tool, input, key) = (self.tool(), self.input(), self.key());
        Written { tool, input, key, replay: self.replay }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read { tool, input, key, replay } = Read::deserialize(deserializer)?;
        Ok(Self::new(ToolUse::new("", tool, input), key, replay))
    }
}
