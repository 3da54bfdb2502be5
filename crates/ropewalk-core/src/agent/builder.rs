//! Building an agent.

mod build;
mod hooks;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;

use super::CallbackHandler;
use super::blueprint::Clock;
use super::callback_handler::Handler;
use super::plugin::Plugins;
use crate::conversation::ConversationManager;
use crate::error::Error;
use crate::hook::HookRegistry;
use crate::intervention::Policy;
use crate::journal::Journal;
use crate::limits::{Limits, Prices};
use crate::message::{Message, SystemPrompt};
use crate::model::{Model, ModelTimeouts};
use crate::output::{OutputSchema, StructuredOutput, Wanted};
use crate::retry::RetryStrategy;
use crate::session::SessionManager;
use crate::telemetry::TraceAttribute;
use crate::tool::{IntoTool, Tool, ToolExecutor, ToolProvider};
use crate::view::{StateValues, initial_values};

/// Builds an [`Agent`](crate::Agent), or the [`Blueprint`](crate::Blueprint) that many share. Only the
/// model is needed.
#[derive(Default)]
pub struct AgentBuilder {
    model: Option<Arc<dyn Model>>,
    messages: Vec<Message>,
    tools: Vec<Arc<dyn Tool>>,
    tool_providers: Vec<Arc<dyn ToolProvider>>,
    tool_executor: ToolExecutor,
    direct_calls_unrecorded: bool,
    system_prompt: Option<SystemPrompt>,
    agent_id: Option<String>,
    name: Option<String>,
    description: Option<String>,
    hooks: HookRegistry,
    host: HookRegistry,
    policies: Vec<Policy>,
    plugins: Plugins,
    journal: Option<Arc<dyn Journal>>,
    session_manager: Option<Arc<dyn SessionManager>>,
    state: Option<Result<StateValues, Error>>,
    handler: Option<Handler>,
    output: Wanted,
    trace_content: bool,
    trace_attributes: BTreeMap<String, TraceAttribute>,
    problem: Option<Error>,
    clock: Option<Clock>,
    manager: Option<Arc<dyn ConversationManager>>,
    retry: RetryStrategy,
    timeouts: ModelTimeouts,
    limits: Limits,
    prices: Prices,
}

impl AgentBuilder {
    /// The model to ask.
    #[must_use]
    pub fn model(self, model: impl Model) -> Self {
        self.shared_model(Arc::new(model))
    }

    /// The model to ask, shared with others.
    #[must_use]
    pub fn shared_model(mut self, model: Arc<dyn Model>) -> Self {
        self.model = Some(model);
        self
    }

    /// What was said before. A session that holds a history already keeps its own.
    #[must_use]
    pub fn messages(mut self, messages: impl IntoIterator<Item = Message>) -> Self {
        self.messages = messages.into_iter().collect();
        self
    }

    /// Adds one tool.
    #[must_use]
    pub fn tool(mut self, tool: impl IntoTool) -> Self {
        self.tools.push(tool.into_tool());
        self
    }

    /// Adds tools.
    #[must_use]
    pub fn tools<T: IntoTool>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        self.tools.extend(tools.into_iter().map(IntoTool::into_tool));
        self
    }

    /// Adds a source of tools that may change while the agent lives; see [`ToolProvider`].
    #[must_use]
    pub fn tool_provider(mut self, provider: impl ToolProvider) -> Self {
        self.tool_providers.push(Arc::new(provider));
        self
    }

    /// How the tools of one answer run: together unless set; see [`ToolExecutor`].
    #[must_use]
    pub fn tool_executor(mut self, executor: ToolExecutor) -> Self {
        self.tool_executor = executor;
        self
    }

    /// Whether calls by hand ([`Agent::tool`](crate::Agent::tool)) stand in the history: they do unless
    /// set to false.
    /// [`DirectTool::record`](super::DirectTool::record) says it for one call.
    #[must_use]
    pub fn record_direct_tool_call(mut self, record: bool) -> Self {
        self.direct_calls_unrecorded = !record;
        self
    }

    /// What the model is told before the conversation.
    #[must_use]
    pub fn system_prompt(mut self, prompt: impl Into<SystemPrompt>) -> Self {
        self.system_prompt = Some(prompt.into());
        self
    }

    /// The agent's id within its session: `default` unless set. No path separators.
    #[must_use]
    pub fn agent_id(mut self, id: impl Into<String>) -> Self {
        self.agent_id = Some(id.into());
        self
    }

    /// The agent's name: `Strands Agents` unless set, as in Strands.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the agent does, for other agents.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// What the agent's [state](crate::AgentState) holds at first: a JSON object, a map or a struct.
    /// A session that was begun already keeps its own.
    #[must_use]
    pub fn state(mut self, values: impl Serialize) -> Self {
        self.state = Some(initial_values(values));
        self
    }

    /// Who is told of each event while an invocation runs; see [`CallbackHandler`]. An agent of
    /// [`build`](Self::build) prints with a
    /// [`PrintingCallbackHandler`](crate::PrintingCallbackHandler) unless this is set, as in Strands;
    /// those of a [`blueprint`](Self::blueprint) tell nobody.
    #[must_use]
    pub fn callback_handler(mut self, handler: impl CallbackHandler) -> Self {
        self.handler = Some(Some(Arc::new(handler)));
        self
    }

    /// Lets nobody be told of the events: nothing is printed (Strands' `callback_handler=None`).
    #[must_use]
    pub fn no_callback_handler(mut self) -> Self {
        self.handler = Some(None);
        self
    }

    /// The type that every invocation is to give, unless it asks for another; see
    /// [`Agent::invoke_as`](crate::Agent::invoke_as).
    /// [`AgentResult::output`](crate::AgentResult::output) has the value.
    #[must_use]
    pub fn structured_output_model<T: StructuredOutput>(self) -> Self {
        self.wanting(OutputSchema::of::<T>())
    }

    /// The same with a JSON Schema, or an [`OutputSchema`], in place of a type. What is wrong with it
    /// fails the building.
    #[must_use]
    pub fn structured_output_schema(
        self,
        schema: impl TryInto<OutputSchema, Error: Into<Error>>,
    ) -> Self {
        self.wanting(schema.try_into().map_err(Into::into))
    }

    fn wanting(mut self, schema: Result<OutputSchema, Error>) -> Self {
        match schema {
            Ok(schema) => self.output.schema = Some(schema),
            Err(error) => self.problem = self.problem.or(Some(error)),
        }
        self
    }

    /// What the model is told if it ends its turn without the value that it was asked for:
    /// [`DEFAULT_OUTPUT_PROMPT`](crate::DEFAULT_OUTPUT_PROMPT) unless set.
    #[must_use]
    pub fn structured_output_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.output.prompt = Some(prompt.into());
        self
    }

    /// How often the model may correct a value that does not have the form asked for:
    /// [`DEFAULT_OUTPUT_CORRECTIONS`](crate::DEFAULT_OUTPUT_CORRECTIONS) unless set. Zero: the first one
    /// counts.
    #[must_use]
    pub fn structured_output_corrections(mut self, corrections: u32) -> Self {
        self.output.corrections = Some(corrections);
        self
    }

    /// How the agent tells the time, by which questions expire: the system's clock unless set.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(now));
        self
    }

    /// What is left out of the conversation, and when: a window of 40 messages unless set
    /// ([`SlidingWindowConversationManager`](crate::SlidingWindowConversationManager)), as in Strands.
    #[must_use]
    pub fn conversation_manager(mut self, manager: impl ConversationManager) -> Self {
        self.manager = Some(Arc::new(manager));
        self
    }

    /// What happens after a model call that failed: as [`RetryStrategy::default`] says unless set.
    /// [`RetryStrategy::none`] gives each failure back.
    #[must_use]
    pub fn retry_strategy(mut self, strategy: RetryStrategy) -> Self {
        self.retry = strategy;
        self
    }

    /// How long the model may say nothing: as [`ModelTimeouts::default`] says unless set.
    #[must_use]
    pub fn model_timeouts(mut self, timeouts: ModelTimeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// What each invocation may use at most: as much as it likes unless set. An invocation may be given
    /// tighter ones.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether the spans of the agent hold what was said and what tools took and gave: not unless set,
    /// since it may be secret.
    #[must_use]
    pub fn trace_content(mut self, content: bool) -> Self {
        self.trace_content = content;
        self
    }

    /// Attributes of one's own for all spans of the agent; see [`TraceAttribute`]. In a span they are one
    /// field, `ropewalk.trace_attributes`, of a JSON object.
    #[must_use]
    pub fn trace_attributes<K: Into<String>, V: Into<TraceAttribute>>(
        mut self,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let attributes = attributes.into_iter().map(|(key, value)| (key.into(), value.into()));
        self.trace_attributes.extend(attributes);
        self
    }

    /// What models cost. With prices each result says what it cost
    /// ([`AgentResult::cost`](crate::AgentResult::cost)), and cost can be limited.
    #[must_use]
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// Where the conversation is kept. Without one it is kept in memory.
    #[must_use]
    pub fn session(mut self, journal: impl Journal) -> Self {
        self.journal = Some(Arc::new(journal));
        self
    }

    /// Who keeps the conversation, with those of the session's other agents, each under its
    /// [`agent_id`](Self::agent_id).
    #[must_use]
    pub fn session_manager(mut self, manager: impl SessionManager) -> Self {
        self.session_manager = Some(Arc::new(manager));
        self
    }
}

impl std::fmt::Debug for AgentBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentBuilder")
            .field("name", &self.name)
            .field("model", &self.model.as_ref().map(|model| model.id()))
            .field("hooks", &self.hooks)
            .finish_non_exhaustive()
    }
}
