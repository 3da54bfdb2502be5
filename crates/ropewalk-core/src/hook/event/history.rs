//! Announcements about the history.

use std::sync::Arc;

use super::{BaseHookEvent, HookEvent};
use crate::conversation::EditReason;
use crate::message::TranscriptEdit;
use crate::view::AgentView;

/// The history was edited: messages were left out, or others stand in their place. The change is
/// durable.
#[derive(Debug)]
pub struct HistoryEditedEvent {
    agent: AgentView,
    edit: Arc<TranscriptEdit>,
    reason: EditReason,
    manager: Option<String>,
}

impl HistoryEditedEvent {
    pub(crate) fn new(
        agent: AgentView,
        edit: Arc<TranscriptEdit>,
        reason: EditReason,
        manager: Option<String>,
    ) -> Self {
        Self { agent, edit, reason, manager }
    }

    /// The agent at this moment, with the history as it is now.
    pub fn agent(&self) -> &AgentView {
        &self.agent
    }

    /// The id of the run.
    pub fn run_id(&self) -> &str {
        self.agent.run_id()
    }

    /// What changed, by its place in the history as it was before.
    pub fn edit(&self) -> &TranscriptEdit {
        &self.edit
    }

    /// Why.
    pub fn reason(&self) -> EditReason {
        self.reason
    }

    /// The conversation manager that wanted it; none if it was done by hand.
    pub fn manager(&self) -> Option<&str> {
        self.manager.as_deref()
    }
}

impl BaseHookEvent for HistoryEditedEvent {}

impl HookEvent for HistoryEditedEvent {
    fn agent(&self) -> &AgentView {
        &self.agent
    }
}
