//! What agents of one kind share.

use std::fmt;
use std::sync::{Arc, Once};
use std::time::SystemTime;

use serde_json::Map;

use super::Agent;
use super::callback_handler::Handler;
use super::exclusive::Exclusive;
use super::plugin::Plugins;
use super::toolbox::Toolbox;
use crate::conversation::ConversationManager;
use crate::error::{Error, ErrorKind};
use crate::hook::{AgentInitializedEvent, HookRegistry};
use crate::id::new_run_id;
use crate::journal::Journal;
use crate::limits::{Limits, Price, Prices};
use crate::message::{Message, Transcript};
use crate::model::{Model, ModelTimeouts};
use crate::output::Wanted;
use crate::retry::RetryStrategy;
use crate::run::{Record, Run};
use crate::telemetry::Telemetry;
use crate::tool::{ToolExecutor, ToolRegistry};
use crate::view::{Identity, StateValues};

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
    /// What an agent's state holds at first.
    pub(super) state: StateValues,
    pub(super) handler: Handler,
    pub(super) output: Wanted,
    pub(super) telemetry: Telemetry,
    pub(super) clock: Clock,
    pub(super) manager: Arc<dyn ConversationManager>,
    /// Whether it was said that nobody knows how large the model's window is.
    pub(super) unknown_limit: Once,
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
    /// A plugin could not set the agent up, or a hook for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn agent(self: &Arc<Self>) -> Result<Agent, Error> {
        let mut run = Run::with_history(new_run_id(), self.history.clone());
        if let Some(state) = self.initial_state() {
            run.apply(state)?;
        }
        let mut agent = Agent::new(Arc::clone(self), run, None);
        self.initialize(&mut agent).await?;
        Ok(agent)
    }

    /// An agent that goes on with the conversation a journal holds, or begins one there. A stored
    /// history and state stand in place of the blueprint's.
    ///
    /// # Errors
    /// The journal can't be read or written, a plugin could not set the agent up, or a hook for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn open(self: &Arc<Self>, journal: Arc<dyn Journal>) -> Result<Agent, Error> {
        let mut run = journal.restore().await?;
        if run.applied() == 0 {
            let history = (!self.history.is_empty()).then(|| Record::HistoryAdopted {
                messages: self.history.iter().map(|message| Message::clone(message)).collect(),
            });
            let records: Vec<Record> = history.into_iter().chain(self.initial_state()).collect();
            records.iter().try_for_each(|record| run.apply(record.clone()))?;
            if !records.is_empty() {
                journal.append(&records).await?;
            }
        }
        let mut agent = Agent::new(Arc::clone(self), run, Some(journal));
        self.initialize(&mut agent).await?;
        Ok(agent)
    }

    /// An agent that goes on with a run that was stored elsewhere, and is kept in memory from here.
    ///
    /// A stored run is held by nobody: two agents that are made of the same one both go on, and its open
    /// calls are made twice. See to it that it goes on in one place; a session, with
    /// [`open`](Self::open), sees to that by itself.
    ///
    /// # Errors
    /// A plugin could not set the agent up, or a hook for
    /// [`AgentInitializedEvent`](crate::AgentInitializedEvent) failed.
    pub async fn resume(self: &Arc<Self>, run: Run) -> Result<Agent, Error> {
        let mut agent = Agent::new(Arc::clone(self), run, None);
        self.initialize(&mut agent).await?;
        Ok(agent)
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

    /// What says what is left out of a conversation.
    pub fn conversation_manager(&self) -> &Arc<dyn ConversationManager> {
        &self.manager
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

    fn initial_state(&self) -> Option<Record> {
        let set = Map::clone(&self.state);
        let record = Record::AgentStateChanged { set, deleted: Vec::new(), keep: true };
        (!self.state.is_empty()).then_some(record)
    }

    async fn initialize(&self, agent: &mut Agent) -> Result<(), Error> {
        if let Some(kept) = agent.lock().manager_state()
            && kept.name != self.manager.name()
        {
            tracing::warn!(
                kept = kept.name,
                manager = self.manager.name(),
                "another conversation manager kept something with this run: it is left alone"
            );
        }
        self.plugins.init(agent).await?;
        // Most agents are made with nobody listening, and many at once.
        let is_heard = agent.hook_registry().listens_to::<AgentInitializedEvent>();
        let has_asked = !agent.lock().questions().is_empty();
        if is_heard || has_asked {
            let agent = &*agent;
            Box::pin(async move { agent.driver().initialize().await }).await?;
        }
        Ok(())
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
