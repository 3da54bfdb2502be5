//! Who an agent is, and what its model is told before the conversation.

use std::sync::Arc;

use super::Agent;
use crate::message::SystemPrompt;
use crate::view::AgentState;

impl Agent {
    /// The agent's id within its session; `default` unless set.
    pub fn agent_id(&self) -> &str {
        &self.identity.agent_id
    }

    /// The agent's name; `Strands Agents` unless set, as in Strands.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// What the agent does, if it was said.
    pub fn description(&self) -> Option<&str> {
        self.identity.description.as_deref()
    }

    /// The names of the tools that there are now, in the order of their registration; those of
    /// providers last.
    pub fn tool_names(&self) -> Arc<[String]> {
        Arc::clone(&self.blueprint.toolbox.now().names)
    }

    /// What the model is told before the conversation, in both views: [`SystemPrompt::text`] and
    /// [`SystemPrompt::blocks`].
    pub fn system_prompt(&self) -> Option<&SystemPrompt> {
        self.identity.system_prompt.as_ref()
    }

    /// Tells the model something else from its next call on: a text or blocks, which stand in place of
    /// all that was there. Other agents of the [`Blueprint`](super::Blueprint) keep theirs.
    ///
    /// It is the agent's and not the conversation's: a session does not keep it, as in Strands; a
    /// snapshot does where it is asked to ([`Agent::take_snapshot`]).
    pub fn set_system_prompt(&mut self, prompt: impl Into<SystemPrompt>) {
        self.tell(Some(prompt.into()));
    }

    /// Tells the model nothing before the conversation, from its next call on.
    pub fn remove_system_prompt(&mut self) {
        self.tell(None);
    }

    pub(super) fn tell(&mut self, prompt: Option<SystemPrompt>) {
        Arc::make_mut(&mut self.identity).system_prompt = prompt;
    }

    /// What the agent keeps of its own, apart from its conversation: the handle that its hooks and
    /// tools have too.
    pub fn state(&self) -> &AgentState {
        &self.state
    }
}
