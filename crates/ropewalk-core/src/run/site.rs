//! Where questions are asked from, and the questions of a run.

use serde::{Deserialize, Serialize};

use crate::interrupt::{Interrupt, Terms};

/// Where a question was asked from: what is done there again once it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Site {
    /// When the agent was built.
    AgentInitialized,
    /// Before an invocation.
    BeforeInvocation,
    /// When a message was added.
    MessageAdded {
        /// Its place in the history.
        index: usize,
    },
    /// Before the model was asked.
    BeforeModelCall,
    /// After the model answered or failed.
    AfterModelCall,
    /// Before the whole batch of tools.
    Batch,
    /// Before one call, or from the tool itself: the call starts again.
    Call {
        /// The tool use.
        tool_use_id: String,
    },
    /// After one call: it does not run again.
    AfterCall {
        /// The tool use.
        tool_use_id: String,
    },
    /// After the whole batch of tools.
    AfterTools,
    /// After an invocation.
    AfterInvocation,
}

impl Site {
    /// From before one call, or from its tool.
    pub fn call(tool_use_id: impl Into<String>) -> Self {
        Self::Call { tool_use_id: tool_use_id.into() }
    }

    /// From after one call.
    pub fn after_call(tool_use_id: impl Into<String>) -> Self {
        Self::AfterCall { tool_use_id: tool_use_id.into() }
    }

    /// The tool use that it is about, if it is about one: others can go on meanwhile.
    pub fn tool_use_id(&self) -> Option<&str> {
        match self {
            Self::Call { tool_use_id } | Self::AfterCall { tool_use_id } => Some(tool_use_id),
            _ => None,
        }
    }

    /// True if an answer holds as long as the invocation does, through all its pauses.
    pub(super) fn spans_invocation(&self) -> bool {
        matches!(self, Self::BeforeInvocation | Self::AfterInvocation)
    }
}

/// A question of a run: what was asked, from where, on which terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Question {
    /// Where it was asked from.
    pub site: Site,
    /// The question with its answer.
    pub interrupt: Interrupt,
    /// Who may answer it, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// In whose name it was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// True if nobody answered it in time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub expired: bool,
    /// True if it was announced that it will expire.
    #[serde(default, skip_serializing_if = "is_false")]
    pub announced: bool,
}

impl Question {
    pub(super) fn new(site: Site, interrupt: Interrupt, terms: Option<Terms>) -> Self {
        Self { site, interrupt, terms, by: None, expired: false, announced: false }
    }

    /// True as long as it waits for an answer.
    pub fn is_open(&self) -> bool {
        !self.interrupt.is_answered()
    }

    /// When it expires, in milliseconds since 1970; none if it does not.
    pub fn expires_at_ms(&self) -> Option<u64> {
        self.terms.as_ref()?.expires_at_ms()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
