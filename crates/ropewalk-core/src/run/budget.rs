//! The limits of an invocation, and what was used of them.

use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

use super::Run;
use super::apply::{RAN_BEFORE, UNKNOWN_OUTCOME};
use super::batch::CallState;
use super::outcome::Outcome;
use crate::limits::{Limits, Money, Used};
use crate::message::{Message, Role, TranscriptError, Usage};
use crate::model::StopReason;

/// The result of a call that a limit kept from running.
const NOT_REACHED: &str =
    "This call was not made: a limit of the invocation was reached before its turn came.";

/// The limits of the current invocation, and what was used of those that the run does not count for
/// itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Budget {
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub(super) limits: Limits,
    /// What earlier passes used, which are one invocation to the caller.
    #[serde(skip_serializing_if = "Used::is_nothing")]
    pub(super) before: Used,
    #[serde(skip_serializing_if = "Money::is_zero")]
    pub(super) cost: Money,
    pub(super) time_ms: u64,
    pub(super) tool_calls: u64,
}

/// A [`Budget`] that takes room only while something is in it: most runs wait for the next prompt.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(super) struct BudgetBox(Option<Box<Budget>>);

static UNUSED: LazyLock<Budget> = LazyLock::new(Budget::default);

impl BudgetBox {
    pub(super) fn get(&self) -> &Budget {
        self.0.as_deref().unwrap_or_else(|| &UNUSED)
    }

    pub(super) fn get_mut(&mut self) -> &mut Budget {
        self.0.get_or_insert_default()
    }

    pub(super) fn is_unused(&self) -> bool {
        *self.get() == *UNUSED
    }

    /// Counts tool calls that were made.
    pub(super) fn count_calls(&mut self, calls: u64) {
        if calls > 0 {
            let budget = self.get_mut();
            budget.tool_calls = budget.tool_calls.saturating_add(calls);
        }
    }
}

impl PartialEq for BudgetBox {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl From<Budget> for BudgetBox {
    fn from(budget: Budget) -> Self {
        Self((budget != *UNUSED).then(|| Box::new(budget)))
    }
}

impl Run {
    /// The limits of the current invocation.
    pub fn limits(&self) -> &Limits {
        &self.budget.get().limits
    }

    /// What the current invocation has used, with the earlier passes that belong to it.
    pub fn used(&self) -> Used {
        let Budget { before, cost, time_ms, tool_calls, .. } = *self.budget.get();
        let mut used =
            Used { turns: u64::from(self.cycles), usage: self.usage, cost, time_ms, tool_calls };
        used += before;
        used
    }

    /// What the model calls of the current pass cost.
    pub(crate) fn cost(&self) -> Money {
        self.budget.get().cost
    }

    /// What earlier passes used.
    pub(crate) fn used_before(&self) -> Used {
        self.budget.get().before
    }

    /// Ends the invocation at a limit. What the model was saying is kept; where it said nothing, a note
    /// stands in the history, and what it said last is the result's message.
    pub(super) fn limit_reached(
        &mut self,
        stop_reason: StopReason,
        partial: String,
        note: String,
        usage: Usage,
    ) -> Result<(), TranscriptError> {
        self.count(usage);
        self.count_held();
        self.step_over();
        if matches!(self.phase, super::Phase::Output(_)) {
            return self.end_without_output(stop_reason, note);
        }
        self.close_batch(|call| match call.state {
            CallState::Claimed(_) => UNKNOWN_OUTCOME,
            _ if call.returns() > 0 => RAN_BEFORE,
            _ => NOT_REACHED,
        })?;
        if !partial.trim().is_empty() {
            return self.end(stop_reason, Message::assistant(partial));
        }
        let said = self.said_last();
        self.end(stop_reason.clone(), Message::assistant(note))?;
        if let Some(message) = said {
            self.phase = super::Phase::Ended(Outcome { stop_reason, message });
        }
        Ok(())
    }

    /// The last text of the model in this invocation.
    fn said_last(&self) -> Option<Arc<Message>> {
        let ours = self.transcript.get(self.started_at..).unwrap_or_default();
        let said = |message: &&Arc<Message>| {
            message.role == Role::Assistant && !message.text().trim().is_empty()
        };
        ours.iter().rev().find(said).cloned()
    }
}
