//! What agents of one kind share.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use uuid::Uuid;

use super::Agent;
use super::exclusive::Exclusive;
use super::toolbox::Toolbox;
use crate::error::{Error, ErrorKind};
use crate::hook::HookRegistry;
use crate::journal::Journal;
use crate::limits::{Limits, Price, Prices};
use crate::message::{Message, Transcript};
use crate::model::{Model, ModelTimeouts};
use crate::retry::RetryStrategy;
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
    pub(super) history: Transcript,
    pub(super) clock: Clock,
    pub(super) retry: RetryStrategy,
    pub(super) timeouts: ModelTimeouts,
    pub(super) limits: Limits,
    pub(super) prices: Prices,
}

/// Tells the time.
pub(super) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

impl Blueprint {
    /// An agent with a conversation of its own, kept in memory.
    ///
    /// # Errors
    /// A hook for [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn agent(self: &Arc<Self>) -> Result<Agent, Error> {
        let run = Run::with_history(Uuid::new_v4().to_string(), self.history.clone());
        self.initialized(Agent::new(Arc::clone(self), run, None)).await
    }

    /// An agent that goes on with the conversation a journal holds, or begins one there. A stored
    /// history stands in place of the blueprint's.
    ///
    /// # Errors
    /// The journal can't be read or written, or a hook for [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
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
    /// A hook for [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
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

    /// What a model costs.
    pub(super) fn price_of(&self, model: &dyn Model) -> Result<&Price, Error> {
        self.prices.get(model.id()).ok_or_else(|| {
            let text = format!(
                "the limit of cost can't be held to: the model `{}` has no price; give it one with `AgentBuilder::prices`",
                model.id()
            );
            Error::new(ErrorKind::InvalidInput, text)
        })
    }

    async fn initialized(&self, agent: Agent) -> Result<Agent, Error> {
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
