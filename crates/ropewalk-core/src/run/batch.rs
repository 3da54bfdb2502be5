//! The tool calls of one answer while they are under way.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::apply::UNKNOWN_OUTCOME;
use super::claim::Claim;
use super::held::HeldReport;
use super::record::Finish;
use super::site::Question;
use crate::message::{Message, ToolResult, ToolUse};
use crate::model::{ModelTurn, StopReason};
use crate::tool::tool_name_problem;

/// The tool calls of one answer while they are under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) message: Arc<Message>,
    pub(super) calls: Vec<ToolCall>,
    /// No model asked for it.
    #[serde(default)]
    pub(super) direct: bool,
    /// It will leave nothing in the history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unrecorded: bool,
}

/// The stop reason of a turn that no model took: somebody called a tool by hand.
pub(crate) const DIRECT_CALL: &str = "direct_tool_call";
/// The same, of a call that is to leave nothing in the history.
pub(crate) const UNRECORDED_CALL: &str = "unrecorded_direct_tool_call";

/// True for the reasons that are the runtime's own: no model and no hook can take them.
pub(crate) fn is_direct_call(stop_reason: &StopReason) -> bool {
    matches!(stop_reason.as_str(), DIRECT_CALL | UNRECORDED_CALL)
}

/// One tool call under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What the model asked for.
    pub tool_use: Arc<ToolUse>,
    /// How far it is.
    pub state: CallState,
    /// How many times it was claimed, not counting those that took up a call that was cut off.
    #[serde(default)]
    claims: u32,
    /// How many times it ran to its end.
    #[serde(default)]
    returns: u32,
}

/// How far a tool call is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// It has not run.
    Pending,
    /// It was about to run; whether it did is not known here.
    Claimed(Claim),
    /// It has run; its hooks have not seen the result yet.
    Returned {
        /// What ran.
        claim: Claim,
        /// What it gave.
        result: ToolResult,
    },
    /// It has ended; its hooks have seen the result, and one of them waits for an answer.
    Held {
        /// The result.
        result: ToolResult,
        /// How it came to that.
        finish: Finish,
        /// What the hooks will be told.
        report: Box<HeldReport>,
    },
    /// It has its result.
    Finished {
        /// The result.
        result: ToolResult,
        /// How it came to that.
        finish: Finish,
    },
}

impl CallState {
    /// The result, where there is one.
    pub(super) fn result(&self) -> Option<&ToolResult> {
        match self {
            Self::Pending | Self::Claimed(_) => None,
            Self::Returned { result, .. }
            | Self::Held { result, .. }
            | Self::Finished { result, .. } => Some(result),
        }
    }
}

impl ToolCall {
    /// True if it has its result.
    pub fn is_finished(&self) -> bool {
        matches!(self.state, CallState::Finished { .. })
    }

    /// The result, as far as it is known: that of the tool if it has run; that its outcome is unknown if it was
    /// about to. None as long as it has not begun.
    pub fn known_result(&self) -> Option<ToolResult> {
        match &self.state {
            CallState::Claimed(_) => {
                Some(ToolResult::error(&self.tool_use.tool_use_id, UNKNOWN_OUTCOME))
            }
            state => state.result().cloned(),
        }
    }

    /// Which time the call is made, from 1: again after a question or because a hook retries it. A
    /// call that was cut off is taken up, which is the same time.
    pub(crate) fn attempt(&self) -> u32 {
        match self.state {
            CallState::Claimed(_) => self.claims,
            _ => self.claims.saturating_add(1),
        }
    }

    /// True if it was never claimed.
    pub(crate) fn is_new(&self) -> bool {
        self.claims == 0
    }

    /// How many times it ran to its end: what was approved then does not hold for the next time.
    pub(crate) fn returns(&self) -> u32 {
        self.returns
    }

    pub(super) fn returned(&mut self, result: ToolResult) {
        let state = std::mem::replace(&mut self.state, CallState::Pending);
        self.state = match state {
            CallState::Claimed(claim) => CallState::Returned { claim, result },
            other => other,
        };
        self.returns = self.returns.saturating_add(1);
    }

    pub(super) fn claim(&mut self, claim: Claim) {
        self.claims = self.attempt();
        self.state = CallState::Claimed(claim);
    }
}

/// How much of arguments that are no JSON the model is shown: what is wrong is mostly at the end.
const SHOWN: usize = 1_000;

/// Head and tail of a text that is too long to be told back.
fn shortened(text: &str) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= 2 * SHOWN {
        return Cow::Borrowed(text);
    }
    let head: String = text.chars().take(SHOWN).collect();
    let tail: String = text.chars().skip(count - SHOWN).collect();
    Cow::Owned(format!("{head} [… {} characters …] {tail}", count - 2 * SHOWN))
}

impl Batch {
    /// The calls of an answer. What can't run at all has its result at once: a name that is no tool
    /// name, arguments that are no JSON.
    pub(super) fn new(turn: ModelTurn) -> Self {
        let ModelTurn { message, malformed, stop_reason, .. } = turn;
        let direct = is_direct_call(&stop_reason);
        let unrecorded = stop_reason.as_str() == UNRECORDED_CALL;
        let mut calls = Vec::with_capacity(message.shared_tool_uses().count());
        calls.extend(message.shared_tool_uses().map(|tool_use| {
            let id = &tool_use.tool_use_id;
            let refused = if let Some(problem) = tool_name_problem(&tool_use.name) {
                Some(format!("Error: {problem}"))
            } else {
                malformed.iter().find(|entry| entry.tool_use_id == *id).map(|entry| {
                    format!(
                        "Error: the input of this call is not valid JSON ({}). It was not run. Input received: {}",
                        entry.error, shortened(&entry.raw)
                    )
                })
            };
            let state = match refused {
                None => CallState::Pending,
                Some(text) => CallState::Finished {
                    result: ToolResult::error(id, text),
                    finish: Finish::NotRun,
                },
            };
            ToolCall { tool_use: Arc::clone(tool_use), state, claims: 0, returns: 0 }
        }));
        Self { message: Arc::new(message), calls, direct, unrecorded }
    }

    /// The calls that have no result yet and that no question keeps back.
    pub(super) fn runnable(&self, questions: &[Question]) -> Vec<&ToolCall> {
        let asks = |id: &str| {
            questions
                .iter()
                .any(|question| question.is_open() && question.site.tool_use_id() == Some(id))
        };
        let unfinished = self.calls.iter().filter(|call| !call.is_finished());
        unfinished.filter(|call| !asks(&call.tool_use.tool_use_id)).collect()
    }

    pub(super) fn call(&self, tool_use_id: &str) -> Option<&ToolCall> {
        self.calls.iter().find(|call| call.tool_use.tool_use_id == tool_use_id)
    }

    pub(super) fn call_mut(&mut self, tool_use_id: &str) -> Option<&mut ToolCall> {
        self.calls.iter_mut().find(|call| call.tool_use.tool_use_id == tool_use_id)
    }

    /// The ids in the results as [`into_results`](Self::into_results) gives them.
    pub(super) fn answered_ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.calls.iter().map(|call| match call.state.result() {
            Some(result) => &*result.tool_use_id,
            None => &*call.tool_use.tool_use_id,
        })
    }

    /// The results in the order of the model's request; what has none gets `otherwise`.
    pub(super) fn into_results(
        self,
        otherwise: impl Fn(&ToolCall) -> ToolResult,
    ) -> (Arc<Message>, Vec<ToolResult>) {
        let results = self.calls.into_iter().map(|call| match call.state {
            CallState::Finished { result, .. }
            | CallState::Returned { result, .. }
            | CallState::Held { result, .. } => result,
            CallState::Pending | CallState::Claimed(_) => otherwise(&call),
        });
        (self.message, results.collect())
    }
}
