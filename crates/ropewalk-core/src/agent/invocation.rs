//! One invocation, with what is given for it alone.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::callback_handler::Handler;
use super::driver::{Bounds, Given};
use super::stream::Sink;
use super::{Agent, AgentStream, CallbackHandler, StructuredInvocation};
use crate::error::Error;
use crate::hook::{
    BaseHookEvent, HookProvider, HookRegistry, IntoCallback, WrapModelCall, WrapToolCall,
};
use crate::limits::Limits;
use crate::message::Prompt;
use crate::output::{OutputSchema, StructuredOutput, Wanted};
use crate::tool::BoxFuture;
use crate::view::{AgentResult, InvocationState};

/// One invocation, with what is given for it alone: hooks, state, in whose name it answers. Made by
/// [`Agent::invocation`]; awaited, it is what [`Agent::invoke`] is.
///
/// ```
/// # use ropewalk_core::{Agent, AfterToolCallEvent, BoxStream, Error, Model, ModelChunk, ModelRequest, StopReason, Usage};
/// # #[derive(Debug)] struct Echo;
/// # impl Model for Echo {
/// #     fn id(&self) -> &str { "echo" }
/// #     fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
/// #         let chunks = ModelChunk::text_message("good day", StopReason::EndTurn, Usage::default());
/// #         Box::pin(futures_util::stream::iter(chunks.into_iter().map(Ok)))
/// #     }
/// # }
/// # futures_executor::block_on(async {
/// let mut agent = Agent::builder().model(Echo).build().await?;
/// let result = agent
///     .invocation("Pay the bill.")
///     .state("user", "alice")
///     .hook(|event: &AfterToolCallEvent| println!("{}", event.tool_use().name))
///     .await?;
/// assert_eq!(result.text(), "good day");
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
#[must_use = "an invocation does nothing before it is awaited or streamed"]
pub struct Invocation<'agent> {
    agent: &'agent mut Agent,
    prompt: Prompt,
    hooks: Option<HookRegistry>,
    state: InvocationState,
    by: Option<String>,
    bounds: Bounds,
    handler: Option<Handler>,
    token: Option<String>,
    output: Wanted,
    problem: Option<Error>,
}

impl<'agent> Invocation<'agent> {
    pub(super) fn new(agent: &'agent mut Agent, prompt: Prompt) -> Self {
        Self {
            agent,
            prompt,
            hooks: None,
            state: InvocationState::default(),
            by: None,
            bounds: Bounds::default(),
            handler: None,
            token: None,
            output: Wanted::default(),
            problem: None,
        }
    }

    /// Hands a value to the hooks and tools; see [`InvocationState`]. It is kept while the
    /// invocation waits for answers, and gone when it has ended. When it goes on, what was kept stands:
    /// only keys that are new are taken then, since the work goes on for whoever began it. A value that does not serialise
    /// fails the invocation.
    pub fn state(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        if let Err(error) = self.state.set(key, value) {
            self.problem.get_or_insert(error);
        }
        self
    }

    /// Hands a value to the hooks and tools by its type; see [`InvocationState::extension`]. It is not
    /// kept while the invocation waits: give it again when it goes on.
    pub fn extension<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.state.insert_extension(value);
        self
    }

    /// Has this invocation's events told to this handler, in place of the agent's.
    pub fn callback_handler(mut self, handler: impl CallbackHandler) -> Self {
        self.handler = Some(Some(Arc::new(handler)));
        self
    }

    /// Has this invocation's events told to no handler.
    pub fn no_callback_handler(mut self) -> Self {
        self.handler = Some(None);
        self
    }

    /// Adds a callback for this invocation alone, behind those of the agent with the same order. It
    /// is not kept while the invocation waits: give it again when it goes on.
    pub fn hook<E: BaseHookEvent, Kind>(mut self, callback: impl IntoCallback<E, Kind>) -> Self {
        self.hooks.get_or_insert_default().add_callback(callback);
        self
    }

    /// Adds all callbacks of providers for this invocation alone.
    pub fn hooks<P: HookProvider>(mut self, providers: impl IntoIterator<Item = P>) -> Self {
        for provider in providers {
            self.hooks.get_or_insert_default().add_hook(&provider);
        }
        self
    }

    /// Adds code around every tool call of this invocation.
    pub fn wrap_tool_call(mut self, wrap: impl WrapToolCall) -> Self {
        self.hooks.get_or_insert_default().wrap_tool_call(wrap);
        self
    }

    /// Adds code around every model call of this invocation.
    pub fn wrap_model_call(mut self, wrap: impl WrapModelCall) -> Self {
        self.hooks.get_or_insert_default().wrap_model_call(wrap);
        self
    }

    /// Says in whose name the answers of the prompt are given. Where a question names its approvers,
    /// an answer in any other name is refused. It is for the calling code to know who that is: an
    /// answer can't say so itself.
    pub fn answered_by(mut self, name: impl Into<String>) -> Self {
        self.by = Some(name.into());
        self
    }

    /// Sets what this invocation may use at most; where the agent has limits too, the tighter one of
    /// each counts. They are kept while it waits: limits that are given when it goes on can only be
    /// tighter. Limits with a zero fail the invocation.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.bounds.limits = limits;
        self
    }

    /// Stops this invocation, as [`CancelHandle::cancel`](crate::CancelHandle::cancel) does, when the
    /// caller's own token is cancelled (Strands' `cancel_signal`). One that is cancelled already stops
    /// it at its first step. The token itself is never cancelled by the agent.
    pub fn cancel_token(mut self, token: CancellationToken) -> Self {
        self.bounds.cancel = Some(token);
        self
    }

    /// Gives the invocation a token by which it is known when it is asked for again: after a crash, by a
    /// queue that delivers twice, in this process or in another (Strands' `idempotency_token`). It is
    /// kept with the session. The same prompt under the same token is not asked twice: an invocation that
    /// is unfinished goes on, and one that has ended gives the result that it had. `()` under the token
    /// does so too, and answers under it are those to its questions.
    ///
    /// Another prompt under the token is refused, and so is one whose invocation was given up. A prompt
    /// that was taken back because it does not fit the model's window may be asked again.
    pub fn idempotency_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Asks for a `T` in place of a text; see [`Agent::invoke_as`].
    pub fn output<T: StructuredOutput>(mut self) -> StructuredInvocation<'agent, T> {
        let problem = self.want(OutputSchema::of::<T>()).err();
        self.problem = self.problem.or(problem);
        StructuredInvocation::of(self)
    }

    /// Asks for a value that a JSON Schema describes, or an [`OutputSchema`]:
    /// [`AgentResult::structured_output`] has it. What is wrong with the schema fails the invocation.
    ///
    /// ```
    /// # use ropewalk_core::{Agent, Error};
    /// # async fn example(agent: &mut Agent) -> Result<(), Error> {
    /// let schema = serde_json::json!({
    ///     "title": "City",
    ///     "type": "object",
    ///     "properties": {"name": {"type": "string"}},
    ///     "required": ["name"],
    /// });
    /// let result = agent.invocation("The capital of France?").output_schema(schema).await?;
    /// println!("{:?}", result.structured_output);
    /// # Ok(()) }
    /// ```
    pub fn output_schema(mut self, schema: impl TryInto<OutputSchema, Error: Into<Error>>) -> Self {
        let problem = self.want(schema.try_into().map_err(Into::into)).err();
        self.problem = self.problem.or(problem);
        self
    }

    /// What the model is told if it ends its turn without the value:
    /// [`DEFAULT_OUTPUT_PROMPT`](crate::DEFAULT_OUTPUT_PROMPT), or the agent's own, unless set.
    pub fn structured_output_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.output.prompt = Some(prompt.into());
        self
    }

    /// How often the model may correct a value that does not have the form asked for:
    /// [`DEFAULT_OUTPUT_CORRECTIONS`](crate::DEFAULT_OUTPUT_CORRECTIONS), or what the agent was built
    /// with, unless set. Zero: the first one counts.
    pub fn structured_output_corrections(mut self, corrections: u32) -> Self {
        self.output.corrections = Some(corrections);
        self
    }

    fn want(&mut self, schema: Result<OutputSchema, Error>) -> Result<(), Error> {
        self.output.schema = Some(schema?);
        Ok(())
    }

    /// Gives each event as it happens, as [`Agent::stream`] does.
    pub fn stream(self) -> AgentStream<'agent> {
        let (sink, events) = Sink::new();
        AgentStream::new(events, self.drive(sink))
    }

    fn drive(self, sink: Sink) -> BoxFuture<'agent, Result<AgentResult, Error>> {
        let Self { agent, prompt, hooks, state, by, bounds, handler, token, output, problem } =
            self;
        if let Some(error) = problem {
            return Box::pin(std::future::ready(Err(error)));
        }
        let hooks = hooks.filter(|hooks| !hooks.is_empty());
        let given = Given { hooks, state, by, bounds, handler, token, output };
        Box::pin(agent.drive(prompt, given, sink))
    }
}

impl<'agent> IntoFuture for Invocation<'agent> {
    type Output = Result<AgentResult, Error>;
    type IntoFuture = BoxFuture<'agent, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.drive(Sink::none())
    }
}

impl fmt::Debug for Invocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("prompt", &self.prompt)
            .field("hooks", &self.hooks)
            .field("state", &self.state)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}
