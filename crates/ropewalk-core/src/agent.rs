//! The agent: what a user holds.

mod blueprint;
mod builder;
mod cancel;
mod direct;
mod driver;
mod event;
mod exclusive;
mod invocation;
mod stream;
mod toolbox;

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind};
use crate::hook::{BaseHookEvent, HookHandle, HookRegistry, IntoCallback, Pipeline};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::message::{InterruptResponse, Prompt, Transcript};
use crate::run::{Run, Step};
use crate::view::{AgentResult, AgentView};

pub use blueprint::Blueprint;
pub use builder::AgentBuilder;
pub use cancel::CancelHandle;
pub use direct::DirectTool;
pub use event::{AgentEvent, CurrentToolUse, RollbackReason};
pub use invocation::Invocation;
pub use stream::AgentStream;

use driver::{Driver, Given};
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
    run: Mutex<Run>,
    journal: Option<Arc<dyn Journal>>,
    /// How many records are on their way to the journal. If the work is dropped meanwhile, nobody
    /// knows whether they got there, and the run is read anew.
    in_doubt: AtomicUsize,
    cancel: CancelHandle,
    /// Those of the blueprint with the agent's own, if it has any.
    hooks: Option<HookRegistry>,
}

impl Agent {
    /// Starts to build one.
    pub fn builder() -> AgentBuilder {
        AgentBuilder::default()
    }

    fn new(blueprint: Arc<Blueprint>, run: Run, journal: Option<Arc<dyn Journal>>) -> Self {
        Self {
            blueprint,
            run: Mutex::new(run),
            journal,
            in_doubt: AtomicUsize::new(0),
            cancel: CancelHandle::default(),
            hooks: None,
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

    /// One of the agent's tools, to be called by hand: `agent.tool("name").call(json!({…}))`. In the
    /// name, `_` also stands for `-`.
    pub fn tool(&mut self, name: impl Into<String>) -> DirectTool<'_> {
        DirectTool::new(self, name.into())
    }

    /// Gives up what is under way: open questions, tools that have not run, a turn that failed.
    /// The history stays valid: each tool use in it gets a result that says so. What a hook asked when
    /// the agent was built stays open: it must be answered before the agent does anything.
    ///
    /// # Errors
    /// The journal could not be written.
    pub async fn abandon(&mut self) -> Result<(), Error> {
        let driver = self.driver();
        driver.refresh().await?;
        let idle = driver.run().is_idle();
        if idle { Ok(()) } else { driver.give_up().await }
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
        let (identity, names) = (Arc::clone(&self.blueprint.identity), Arc::clone(&tools.names));
        AgentView::new(identity, names, run_id, messages)
    }

    /// Stops the current invocation, or the next one, from anywhere; see [`CancelHandle`].
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    async fn drive(
        &mut self,
        prompt: Prompt,
        given: Given,
        sink: Sink,
    ) -> Result<AgentResult, Error> {
        // Makes it fresh when this invocation ends, in whatever way, dropping included.
        let _renew = self.cancel.renew_on_drop();
        Driver::new(self, given, sink).invoke(prompt).await
    }

    /// Work beside an invocation.
    fn driver(&self) -> Driver<'_> {
        Driver::new(self, Given::default(), Sink::none())
    }

    fn hook_registry(&self) -> &HookRegistry {
        self.hooks.as_ref().unwrap_or(&self.blueprint.hooks)
    }

    fn lock(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run that a journal holds.
    async fn load(journal: &dyn Journal) -> Result<Run, Error> {
        let records = journal.load().await?;
        Run::new(journal.run_id()).replay(records).map_err(|error| {
            let text = format!("the stored session can't be read: {error}");
            Error::new(ErrorKind::Journal, text).with_source(error)
        })
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("name", &self.blueprint.identity.name)
            .field("model", &self.blueprint.identity.model_id)
            .field("messages", &self.lock().transcript().len())
            .finish_non_exhaustive()
    }
}
