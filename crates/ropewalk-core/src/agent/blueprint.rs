//! What agents of one kind share.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use uuid::Uuid;

use super::Agent;
use super::exclusive::Exclusive;
use super::plugin::Plugins;
use super::toolbox::Toolbox;
use crate::error::Error;
use crate::hook::HookRegistry;
use crate::journal::Journal;
use crate::message::{Message, Transcript};
use crate::model::Model;
use crate::run::{Record, Run};
use crate::tool::{ToolExecutor, ToolRegistry};
use crate::view::Identity;

/// Everything about an agent but its conversation: model, tools, hooks, system prompt. Immutable
/// and shared: a server keeps one, and one [`Agent`] for each conversation.
///
/// Made by [`AgentBuilder::blueprint`](super::AgentBuilder::blueprint).
pub struct Blueprint {
    pub(super) identity: Arc<Identity>,
    pub(super) model: Arc<dyn Model>,
    pub(super) toolbox: Toolbox,
    pub(super) executor: ToolExecutor,
    pub(super) exclusive: Exclusive,
    pub(super) record_direct_tool_call: bool,
    pub(super) hooks: HookRegistry,
    pub(super) plugins: Plugins,
    pub(super) history: Transcript,
    pub(super) clock: Clock,
}

/// Tells the time.
pub(super) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Blueprint {
    /// An agent with a conversation of its own, kept in memory.
    ///
    /// # Errors
    /// A plugin could not set the agent up, or a hook for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn agent(self: &Arc<Self>) -> Result<Agent, Error> {
        let run = Run::with_history(Uuid::new_v4().to_string(), self.history.clone());
        self.initialized(Agent::new(Arc::clone(self), run, None)).await
    }

    /// An agent that goes on with the conversation a journal holds, or begins one there. A stored
    /// history stands in place of the blueprint's.
    ///
    /// # Errors
    /// The journal can't be read or written, a plugin could not set the agent up, or a hook for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn open(self: &Arc<Self>, journal: Arc<dyn Journal>) -> Result<Agent, Error> {
        let mut run = Agent::load(&*journal).await?;
        if run.applied() == 0 && !self.history.is_empty() {
            let messages = self.history.iter().map(|message| Message::clone(message)).collect();
            let record = Record::HistoryAdopted { messages };
            run.check(&record)?;
            journal.append(std::slice::from_ref(&record)).await?;
            run.apply(record)?;
        }
        self.initialized(Agent::new(Arc::clone(self), run, Some(journal))).await
    }

    /// An agent that goes on with a run that was stored elsewhere, and is kept in memory from here.
    ///
    /// # Errors
    /// A plugin could not set the agent up, or a hook for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn resume(self: &Arc<Self>, run: Run) -> Result<Agent, Error> {
        self.initialized(Agent::new(Arc::clone(self), run, None)).await
    }

    /// The tools that there are now, those of the providers too.
    pub fn tools(&self) -> Arc<ToolRegistry> {
        Arc::clone(&self.toolbox.now().registry)
    }

    /// The hooks.
    pub fn hooks(&self) -> &HookRegistry {
        &self.hooks
    }

    /// The model.
    pub fn model(&self) -> &Arc<dyn Model> {
        &self.model
    }

    async fn initialized(&self, mut agent: Agent) -> Result<Agent, Error> {
        self.plugins.init(&mut agent).await?;
        agent.driver().initialize().await?;
        Ok(agent)
    }
}

impl fmt::Debug for Blueprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blueprint")
            .field("identity", &self.identity)
            .field("tools", &self.tools())
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}
