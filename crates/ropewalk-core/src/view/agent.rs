//! An agent as hooks and tools see it.

use std::sync::Arc;

use crate::message::{SystemPrompt, Transcript};

/// An agent as hooks and tools see it: who it is, what it was told, and its history at that
/// moment. It can be kept; it does not change.
#[derive(Clone, Debug)]
pub struct AgentView {
    inner: Arc<Identity>,
    tool_names: Arc<[String]>,
    run_id: Arc<str>,
    messages: Transcript,
}

/// What does not change while an agent lives.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) agent_id: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) system_prompt: Option<SystemPrompt>,
    pub(crate) model_id: String,
}

impl AgentView {
    pub(crate) fn new(
        inner: Arc<Identity>,
        tool_names: Arc<[String]>,
        run_id: Arc<str>,
        messages: Transcript,
    ) -> Self {
        Self { inner, tool_names, run_id, messages }
    }

    /// The agent's id; `default` unless set.
    pub fn agent_id(&self) -> &str {
        &self.inner.agent_id
    }

    /// The id of the run that this conversation is.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The agent's name; `Strands Agents` unless set, as in Strands.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// What the agent does, if it was said.
    pub fn description(&self) -> Option<&str> {
        self.inner.description.as_deref()
    }

    /// What the model is told before the conversation.
    pub fn system_prompt(&self) -> Option<&SystemPrompt> {
        self.inner.system_prompt.as_ref()
    }

    /// Which model the agent asks.
    pub fn model_id(&self) -> &str {
        &self.inner.model_id
    }

    /// The names of the tools that the agent had at that moment, in the order of their registration.
    pub fn tool_names(&self) -> &[String] {
        &self.tool_names
    }

    /// The history at the moment this view was taken. A tool turn that is under way is not in it:
    /// it is added whole, when every use has its result.
    pub fn messages(&self) -> &Transcript {
        &self.messages
    }
}
