//! The agent: what a user holds.

mod blueprint;
mod builder;
mod callback_handler;
mod cancel;
mod direct;
mod driver;
mod event;
mod exclusive;
mod identity;
mod invocation;
mod plugin;
mod snapshot;
mod stream;
mod structured;
mod toolbox;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::conversation::EditReason;
use crate::error::{Error, ErrorKind};
use crate::hook::{BaseHookEvent, HookHandle, HookRegistry, IntoCallback, Pipeline};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::message::{InterruptResponse, Prompt, ToolResult, Transcript, TranscriptEdit, Usage};
use crate::metrics::EventLoopMetrics;
use crate::output::{OutputSchema, StructuredOutput};
use crate::run::{Run, Step};
use crate::telemetry;
use crate::tool::ToolInput;
use crate::view::{AgentResult, AgentState, AgentView, Identity};

use tracing::Instrument as _;

pub use blueprint::Blueprint;
pub use builder::AgentBuilder;
pub use callback_handler::{CallbackHandler, CompositeCallbackHandler, PrintingCallbackHandler};
pub use cancel::CancelHandle;
pub use direct::DirectTool;
pub use event::{AgentEvent, CurrentToolUse, RollbackReason};
pub use invocation::Invocation;
pub use plugin::Plugin;
pub use snapshot::{Snapshot, SnapshotField, SnapshotOptions};
pub use stream::AgentStream;
pub use structured::StructuredInvocation;

use callback_handler::Handling;
use driver::{Driver, Given, Staged};
use stream::Sink;
use toolbox::ToolSet;

/// An agent: one conversation with a model that may call tools, every step of it passing hooks
/// (Strands' `Agent`).
///
/// Invoking takes `&mut self`, so that two invocations at once do not compile. What agents have in
/// common stands in a [`Blueprint`], which any number of them share.
///
/// ```
/// use ropewalk_core::Agent;
/// # use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, StopReason, Usage};
/// # #[derive(Debug)] struct Echo;
/// # impl Model for Echo {
/// #     fn id(&self) -> &str { "echo" }
/// #     fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
/// #         let chunks = ModelChunk::text_message("good day", StopReason::EndTurn, Usage::default());
/// #         Box::pin(futures_util::stream::iter(chunks.into_iter().map(Ok)))
/// #     }
/// # }
/// # let model = Echo;
/// # futures_executor::block_on(async {
/// let mut agent = Agent::builder().model(model).system_prompt("Be brief.").build().await?;
/// let result = agent.invoke("hello").await?;
/// assert_eq!(result.text(), "good day");
/// assert_eq!(agent.messages().len(), 2);
/// # Ok::<(), Error>(()) }).unwrap();
/// ```
pub struct Agent {
    blueprint: Arc<Blueprint>,
    /// The blueprint's, or the agent's own.
    identity: Arc<Identity>,
    state: AgentState,
    run: Mutex<Run>,
    journal: Option<Arc<dyn Journal>>,
    /// How many records are on their way to the journal. If the work is dropped meanwhile, nobody
    /// knows whether they got there, and the run is read anew.
    in_doubt: AtomicUsize,
    /// What the run knows and the journal gets with the next record. It is in doubt until then.
    staged: Mutex<Staged>,
    cancel: CancelHandle,
    /// The form of the value that the invocation under way is to give, as whoever asked knows it.
    output: Mutex<Option<Box<OutputSchema>>>,
    /// Those of the blueprint with the agent's own, if it has any.
    hooks: Option<HookRegistry>,
    /// What its invocations took in this process, once there was one.
    metrics: Mutex<Option<Box<EventLoopMetrics>>>,
}

impl Agent {
    /// Starts to build one.
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    fn new(blueprint: Arc<Blueprint>, run: Run, journal: Option<Arc<dyn Journal>>) -> Self {
        Self {
            identity: Arc::clone(&blueprint.identity),
            state: AgentState::new(Arc::clone(run.agent_state_values())),
            blueprint,
            run: Mutex::new(run),
            journal,
            in_doubt: AtomicUsize::new(0),
            staged: Mutex::default(),
            cancel: CancelHandle::default(),
            output: Mutex::default(),
            hooks: None,
            metrics: Mutex::default(),
        }
    }

    /// Asks the agent and waits for what it comes to: an answer, a cancel, or open questions
    /// ([`AgentResult::interrupts`]).
    ///
    /// `prompt` is a text, blocks, messages, answers to open questions, or `()`, which lets it go
    /// on from where it stands: also after an error, or after its process died. (With nothing
    /// unfinished, `()` asks the model once more on its history: see
    /// [`is_unfinished`](Self::is_unfinished).) Work that was cut off is given up when a new prompt
    /// comes instead; a prompt that does not fit the model's window is taken back.
    ///
    /// # Errors
    /// The model failed, a hook failed or refused, the journal could not be written, or the prompt
    /// does not fit: a question is open and must be answered first, or an answer belongs to none.
    /// The conversation stays usable.
    pub async fn invoke(&mut self, prompt: impl Into<Prompt>) -> Result<AgentResult, Error> {
        self.drive(prompt.into(), Given::default(), Sink::none()).await
    }

    /// Starts an invocation that is given more than a prompt: hooks and state of its own, the name in
    /// which questions are answered. Await it, or [stream](Invocation::stream) it.
    pub fn invocation(&mut self, prompt: impl Into<Prompt>) -> Invocation<'_> {
        Invocation::new(self, prompt.into())
    }

    /// Asks the agent and gives each event as it happens; the last one is the result. Nothing
    /// happens before the stream is polled. It may be dropped at any point.
    pub fn stream(&mut self, prompt: impl Into<Prompt>) -> AgentStream<'_> {
        let (sink, events) = Sink::new();
        AgentStream::new(events, Box::pin(self.drive(prompt.into(), Given::default(), sink)))
    }

    /// Answers open questions and goes on; the same as [`invoke`](Self::invoke) with answers.
    ///
    /// Any subset may be answered, in any order; what was not answered stays open.
    ///
    /// # Errors
    /// As for [`invoke`](Self::invoke). If one answer is wrong, none is taken.
    pub async fn resume(
        &mut self,
        answers: impl IntoIterator<Item = InterruptResponse>,
    ) -> Result<AgentResult, Error> {
        self.invoke(Prompt::Answers(answers.into_iter().collect())).await
    }

    /// Asks the agent for a `T` in place of a text (Strands' `structured_output_model`).
    ///
    /// The model may use all tools before; it gives the value through one more, named after the type.
    /// If it ends its turn without the value, it is asked for that and nothing else; what is wrong with
    /// a value it is told and may correct
    /// ([`structured_output_corrections`](Invocation::structured_output_corrections)). Models that hold to
    /// a schema by themselves ([`Model::native_output`](crate::Model::native_output)) do so. The form is
    /// stored with the run: after a question or a crash, plain [`resume`](Self::resume) and
    /// [`invoke`](Self::invoke) with `()` go on with it.
    ///
    /// ```
    /// # use ropewalk_core::*;
    /// # #[derive(Debug)] struct Atlas;
    /// # impl Model for Atlas {
    /// #     fn id(&self) -> &str { "atlas" }
    /// #     fn stream(&self, _: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
    /// #         let tool_use = ToolUse::new("t1", "City", serde_json::json!({"name": "Paris", "inhabitants": 2_100_000}));
    /// #         let message = Message::new(Role::Assistant, vec![tool_use.into()]);
    /// #         let chunks = ModelChunk::from_message(&message, StopReason::ToolUse, Usage::default());
    /// #         Box::pin(futures_util::stream::iter(chunks.into_iter().map(Ok)))
    /// #     }
    /// # }
    /// # futures_executor::block_on(async {
    /// # let mut agent = Agent::builder().model(Atlas).build().await?;
    /// use schemars::JsonSchema;
    /// use serde::Deserialize;
    ///
    /// /// A city.
    /// #[derive(Deserialize, JsonSchema)]
    /// struct City {
    ///     name: String,
    ///     inhabitants: u64,
    /// }
    ///
    /// let city: City = agent.invoke_as("What is the capital of France?").await?;
    /// assert_eq!(city.name, "Paris");
    ///
    /// let output = agent.invoke_as::<City>("And where do you live?").with_result().await?;
    /// println!("{} inhabitants, {} tokens", output.inhabitants, output.result.usage.total_tokens);
    /// # Ok::<(), Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Awaited, an [`OutputError`](crate::OutputError): questions are open, a limit was reached, it was
    /// cancelled, the model gave no value that has the form, in which cases it holds the result; or the
    /// invocation failed, as for [`invoke`](Self::invoke).
    pub fn invoke_as<T: StructuredOutput>(
        &mut self,
        prompt: impl Into<Prompt>,
    ) -> StructuredInvocation<'_, T> {
        self.invocation(prompt).output()
    }

    /// Answers open questions and goes on to a `T`: with the invocation that was to give one, or with one
    /// that was to give a text until now.
    ///
    /// # Errors
    /// As for [`invoke_as`](Self::invoke_as). The invocation was to give another type: nothing was
    /// answered then.
    pub fn resume_as<T: StructuredOutput>(
        &mut self,
        answers: impl IntoIterator<Item = InterruptResponse>,
    ) -> StructuredInvocation<'_, T> {
        self.invoke_as(Prompt::Answers(answers.into_iter().collect()))
    }

    /// Asks for a `T` beside the conversation (Strands' `Agent.structured_output`): the model sees the
    /// history and the prompt, of which nothing is kept, and no tools. Only `BeforeInvocation` and
    /// `AfterInvocation` fire. A value that does not have the form is corrected as in
    /// [`invoke_as`](Self::invoke_as); a model that failed is asked again as the agent's
    /// [`RetryStrategy`](crate::RetryStrategy) says; the tokens count for the run. The agent's
    /// [`Limits`](crate::Limits) hold for it, apart from other invocations.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is neither a history nor a prompt, or if something else is
    /// unfinished; [`ErrorKind::Interrupt`] while a question is open;
    /// [`ErrorKind::StructuredOutput`] if the model gave no value that has the form, also because a limit
    /// was reached; [`ErrorKind::Timeout`] if that was the one of time. The model, a hook or the journal
    /// failed.
    pub async fn structured_output<T: StructuredOutput>(
        &mut self,
        prompt: impl Into<Prompt>,
    ) -> Result<T, Error> {
        let schema = OutputSchema::of::<T>()?;
        let _renew = self.cancel.renew_on_drop();
        let driver = Driver::new(self, Given::default(), Sink::none());
        let value = driver.ask_beside(schema, prompt.into()).await?;
        T::deserialize(&value).map_err(|error| {
            let text = format!("the structured output is not of this type: {error}");
            Error::new(ErrorKind::StructuredOutput, text).with_source(error)
        })
    }

    /// One of the agent's tools, to be called by hand: `agent.tool("name").call(json!({…}))`. In the
    /// name, `_` also stands for `-`.
    pub fn tool(&mut self, name: impl Into<String>) -> DirectTool<'_> {
        DirectTool::new(self, name.into())
    }

    /// Calls one of the agent's tools by hand with arguments that know their tool: those that
    /// `#[tool(input = …)]` makes a struct of. It is `agent.tool(Input::TOOL).call(input)`;
    /// [`ToolResult::value`] reads what the tool gave.
    ///
    /// ```
    /// # use ropewalk_core::*;
    /// # #[derive(serde::Serialize)] struct AddInput { a: i64, b: i64 }
    /// # impl ToolInput for AddInput { const TOOL: &'static str = "add"; }
    /// # async fn example(agent: &mut Agent) -> Result<(), Error> {
    /// // With `#[tool(input = AddInput)] async fn add(a: i64, b: i64) -> i64`:
    /// let sum: i64 = agent.call(AddInput { a: 41, b: 1 }).await?.value()?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`DirectTool::call`].
    pub async fn call<I: ToolInput>(&mut self, input: I) -> Result<ToolResult, Error> {
        self.tool(I::TOOL).call(input).await
    }

    /// Gives up what is under way: open questions, tools that have not run, a turn that failed.
    /// The history stays valid: each tool use in it gets a result that says so. What a hook asked when
    /// the agent was built stays open: it must be answered before the agent does anything.
    ///
    /// # Errors
    /// The journal could not be written, or a hook for what was added to the history failed.
    pub async fn abandon(&mut self) -> Result<(), Error> {
        let driver = self.driver();
        driver.refresh().await?;
        let idle = driver.run().is_idle();
        if idle { Ok(()) } else { driver.give_up().await }
    }

    /// Edits the history: for whoever holds the agent to leave messages out, put others in their place or
    /// pin them. Durable, and announced as any other edit is. Places that are not there, and what would
    /// part a tool use from its result, are refused.
    ///
    /// ```
    /// # use ropewalk_core::*;
    /// # async fn example(agent: &mut Agent) -> Result<(), Error> {
    /// let first = Message::clone(&agent.messages()[0]).pinned();
    /// agent.edit_messages(TranscriptEdit::new().replace(0..1, [first])).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::IllegalRecord`]: the edit does not fit the history, a question about a message waits
    /// for its answer, or the last message would go while the model has to answer it. A hook failed, or
    /// the journal could not be written.
    pub async fn edit_messages(&mut self, edit: TranscriptEdit) -> Result<(), Error> {
        let driver = self.driver();
        driver.refresh().await?;
        if edit.is_empty() {
            return Ok(());
        }
        driver.edit(edit, EditReason::ByHand, None, None, Usage::default()).await
    }

    /// Makes durable what was changed of the agent's [state](Self::state) since the last invocation:
    /// the next one does so too.
    ///
    /// # Errors
    /// The journal could not be read or written.
    pub async fn save_state(&mut self) -> Result<(), Error> {
        let driver = self.driver();
        driver.refresh().await?;
        driver.keep_state().await
    }

    /// Adds a callback to this agent alone; a [`Blueprint`]'s other agents don't have it. It is called
    /// behind those of the blueprint with the same order, and can't reach those of the host.
    pub fn add_hook<E: BaseHookEvent, Kind>(
        &mut self,
        callback: impl IntoCallback<E, Kind>,
    ) -> HookHandle {
        let hooks = self.hooks.get_or_insert_with(|| self.blueprint.hooks.clone());
        hooks.add_callback(callback)
    }

    /// Removes a callback from this agent; false if there is none with this handle, or if it is the
    /// host's.
    pub fn remove_hook(&mut self, handle: HookHandle) -> bool {
        let hooks = self.hooks.get_or_insert_with(|| self.blueprint.hooks.clone());
        hooks.remove(handle)
    }

    /// Who is called at which event, in what order, and what each may do. Print it.
    pub fn hooks(&self) -> Pipeline {
        self.hook_registry().pipeline()
    }

    /// Warns of questions that expire soon, each once, through
    /// [`InterruptExpiringEvent`](crate::InterruptExpiringEvent), and lets what stands for the lack of
    /// an answer take its place where the time is over. Gives when it should be called next; none if
    /// no question can expire.
    ///
    /// A server calls it by that time. Nothing depends on it: an expired question is never taken for
    /// open, and [`invoke`](Self::invoke) with `()` goes on with what its lack of an answer led to.
    ///
    /// # Errors
    /// A hook failed, or the journal could not be read or written.
    pub async fn check_expiry(&mut self) -> Result<Option<SystemTime>, Error> {
        let driver = self.driver();
        driver.refresh().await?;
        driver.keep_state().await?;
        driver.settle_expired().await?;
        driver.announce_expiry().await?;
        let run = self.lock();
        let due = run.questions().iter().filter(|question| question.is_open()).filter_map(|open| {
            let warn = open.terms.as_ref()?.warn_at_ms().filter(|_| !open.announced);
            warn.or(open.expires_at_ms())
        });
        Ok(due.min().map(|at| SystemTime::UNIX_EPOCH + Duration::from_millis(at)))
    }

    /// What was said so far. A tool turn that is under way is not in it yet.
    pub fn messages(&self) -> Transcript {
        self.lock().transcript().clone()
    }

    /// The questions that wait for an answer.
    pub fn interrupts(&self) -> Vec<Interrupt> {
        self.lock().open_interrupts()
    }

    /// True if something was cut off, or waits: `invoke(())` goes on with it.
    pub fn is_unfinished(&self) -> bool {
        !matches!(self.lock().next(), Step::Idle)
    }

    /// The run as it stands: a value that can be stored, moved and looked into.
    pub fn run(&self) -> Run {
        self.lock().clone()
    }

    /// What all agents of this kind share.
    pub fn blueprint(&self) -> &Arc<Blueprint> {
        &self.blueprint
    }

    /// The agent as its hooks and tools see it.
    pub fn view(&self) -> AgentView {
        self.view_with(&self.blueprint.toolbox.now())
    }

    fn view_with(&self, tools: &ToolSet) -> AgentView {
        let (run_id, messages) = {
            let run = self.lock();
            (run.shared_id(), run.transcript().clone())
        };
        let (identity, names) = (Arc::clone(&self.identity), Arc::clone(&tools.names));
        AgentView::new(identity, names, run_id, messages, self.state.clone())
    }

    /// What all invocations took in this process; the tokens are those of the whole conversation.
    pub fn metrics(&self) -> EventLoopMetrics {
        let metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let mut metrics = metrics.as_deref().cloned().unwrap_or_default();
        metrics.accumulated_usage = self.lock().total_usage();
        metrics
    }

    /// Stops the current invocation, or the next one, from anywhere; see [`CancelHandle`].
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    async fn drive(
        &mut self,
        prompt: Prompt,
        mut given: Given,
        sink: Sink,
    ) -> Result<AgentResult, Error> {
        let cancel = self.cancel.clone();
        // Makes it fresh when this invocation ends, in whatever way, dropping included.
        let _renew = cancel.renew_on_drop();
        let handler = given.handler.take().unwrap_or_else(|| self.blueprint.handler.clone());
        let handling = handler.map(|handler| Handling::new(handler, cancel.stops().now));
        let sink = sink.handled_by(handling);
        let token = given.token.take();
        let telemetry = &self.blueprint.telemetry;
        let span = telemetry::invoke_agent(telemetry, || self.view());
        // The steps of an invocation stand on the heap, each in its place: their futures are large, and
        // an agent may be called from within another one's tool, several levels deep.
        let work = Box::pin(Driver::new(self, given, sink.clone()).invoke(prompt, token));
        let result = sink.finish(work.instrument(span.clone()).await);
        telemetry::ended(telemetry, &span, &result);
        self.offer_checkpoint().await;
        result
    }

    /// Shows the journal where the run stands. One that could not keep it has lost nothing.
    async fn offer_checkpoint(&self) {
        let Some(journal) = &self.journal else { return };
        if self.in_doubt.load(Ordering::Acquire) > 0 {
            return;
        }
        let kept = journal.checkpoint(&self.lock());
        if let Err(error) = kept.await {
            tracing::warn!("{error}: the session will be read from further back");
        }
    }

    fn add_metrics(&self, invocation: &EventLoopMetrics) {
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        metrics.get_or_insert_default().add(invocation);
    }

    /// Work beside an invocation.
    fn driver(&self) -> Driver<'_> {
        Driver::new(self, Given::default(), Sink::none())
    }

    /// The hooks of this agent, to dispatch events of one's own through them:
    /// `agent.hook_registry().invoke_callbacks_async(event)`.
    pub fn hook_registry(&self) -> &HookRegistry {
        self.hooks.as_ref().unwrap_or(&self.blueprint.hooks)
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("name", &self.identity.name)
            .field("model", &self.identity.model_id)
            .field("messages", &self.lock().transcript().len())
            .finish_non_exhaustive()
    }
}
