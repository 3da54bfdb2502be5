//! What was used of the limits.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::Money;
use crate::message::Usage;

/// What an invocation has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Used {
    /// How often the model has answered.
    pub turns: u64,
    /// Its tokens.
    pub usage: Usage,
    /// What they cost, where there are prices.
    pub cost: Money,
    /// How long it has worked, in milliseconds. What a process did after its last record is not known
    /// if it died.
    pub time_ms: u64,
    /// How many tool calls were made, or refused because of their limit.
    pub tool_calls: u64,
}

impl Used {
    /// True if nothing was used.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Used {
    fn add_assign(&mut self, other: Self) {
        self.turns = self.turns.saturating_add(other.turns);
        self.usage += other.usage;
        self.cost = self.cost.saturating_add(other.cost);
        self.time_ms = self.time_ms.saturating_add(other.time_ms);
        self.tool_calls = self.tool_calls.saturating_add(other.tool_calls);
    }
}
