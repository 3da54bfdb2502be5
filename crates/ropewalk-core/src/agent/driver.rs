//! The loop: asks the run what must happen, does it, and records what happened.

mod announce;
mod body;
mod call;
mod clock;
mod direct;
mod effect;
mod expiry;
mod fire;
mod limits;
mod model;
mod open;
mod stop;
mod tools;
mod wraps;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::stream::Sink;
use super::toolbox::ToolSet;
use super::{Agent, AgentEvent, Blueprint};
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterInvocationEvent, HookRegistry};
use crate::limits::{Limits, Money};
use crate::message::{Message, Prompt, Role, ToolUse, Transcript, Usage};
use crate::model::StopReason;
use crate::run::{CallState, HeldAnswer, Record, Run, Site, Step, ToolCall};
use crate::view::{AgentResult, AgentView, InvocationState};

pub(super) use direct::DirectCall;
use fire::Fired;
use limits::Working;
use open::Opened;

/// Does one invocation of an agent.
pub(super) struct Driver<'agent> {
    agent: &'agent Agent,
    blueprint: &'agent Blueprint,
    /// Those of the agent, with those of this invocation.
    hooks: Cow<'agent, HookRegistry>,
    /// What the caller handed to this invocation, with what the run kept of it.
    state: InvocationState,
    /// In whose name questions are answered.
    by: Option<String>,
    sink: Sink,
    given: Bounds,
    /// Stops everything.
    cancel: CancellationToken,
    /// Stops everything but tools that run.
    after_tools: CancellationToken,
    /// What stopped the work is the end of its time.
    out_of_time: AtomicBool,
    working: Mutex<Working>,
    /// Whether a runtime keeps the time, once that was asked.
    clock: OnceLock<bool>,
    /// Something of an answer was streamed that does not count yet.
    shown: AtomicBool,
    /// The tools that the model was told of last: those are the ones that it can call.
    tools: Mutex<Arc<ToolSet>>,
    /// Tool calls of this invocation of which nobody knows whether they ran.
    unknown: Mutex<Vec<ToolUse>>,
    /// The ids of questions that were put, and the calls that they are about.
    reserved: Mutex<BTreeMap<String, Option<String>>>,
}

/// What a caller gives besides the prompt.
#[derive(Default)]
pub(super) struct Given {
    pub(super) hooks: Option<HookRegistry>,
    pub(super) state: Map<String, Value>,
    pub(super) by: Option<String>,
    pub(super) bounds: Bounds,
}

/// What a caller sets to what an invocation may do.
#[derive(Clone, Default)]
pub(super) struct Bounds {
    pub(super) limits: Limits,
    pub(super) cancel: Option<CancellationToken>,
}

/// What must happen now, apart from the run it was read from.
enum Plan {
    Idle,
    Model,
    Answer(HeldAnswer),
    Tools(Vec<ToolCall>),
    Return(AgentResult),
}

impl<'agent> Driver<'agent> {
    pub(super) fn new(agent: &'agent Agent, given: Given, sink: Sink) -> Self {
        let (blueprint, stops) = (&*agent.blueprint, agent.cancel.stops());
        let hooks = match given.hooks {
            Some(hooks) => Cow::Owned(agent.hook_registry().merged(&hooks)),
            None => Cow::Borrowed(agent.hook_registry()),
        };
        Self {
            agent,
            blueprint,
            hooks,
            state: InvocationState::new(given.state),
            by: given.by,
            sink,
            given: given.bounds,
            cancel: stops.now.child_token(),
            after_tools: stops.after_tools,
            out_of_time: AtomicBool::new(false),
            working: Mutex::default(),
            clock: OnceLock::new(),
            shown: AtomicBool::new(false),
            tools: Mutex::new(blueprint.toolbox.now()),
            unknown: Mutex::default(),
            reserved: Mutex::default(),
        }
    }

    /// One invocation: a pass, and further ones as long as a hook asks for them.
    pub(super) async fn invoke(&self, prompt: Prompt) -> Result<AgentResult, Error> {
        self.refresh().await?;
        self.settle_expired().await?;
        let expired = self.run().questions().iter().any(|question| question.expired);
        if expired && !matches!(prompt, Prompt::Nothing | Prompt::Answers(_)) {
            // What the lack of an answer led to is done first, with what its own caller handed over;
            // then comes what is asked now.
            let bounds = Bounds { cancel: self.given.cancel.clone(), ..Bounds::default() };
            let given = Given { bounds, ..Given::default() };
            let earlier = Driver::new(self.agent, given, self.sink.clone());
            Box::pin(earlier.passes(Prompt::Nothing)).await?;
        }
        self.passes(prompt).await
    }

    async fn passes(&self, prompt: Prompt) -> Result<AgentResult, Error> {
        let time_left = self.time_left(self.goes_on(&prompt));
        // On the heap: it is large, and stands within what watches it.
        self.watched(Box::pin(self.pass_after_pass(prompt)), time_left).await
    }

    async fn pass_after_pass(&self, mut prompt: Prompt) -> Result<AgentResult, Error> {
        // What earlier passes took: each is an invocation of its own to the run, and all are one to
        // the caller.
        let (mut usage, mut cycles, mut cost) = (Usage::default(), 0, Money::ZERO);
        loop {
            let (result, resume) = self.pass(prompt).await;
            if let Err(error) = &result {
                self.sink.send(|| AgentEvent::ForceStop { reason: error.report() });
            }
            let mut result = result?;
            match resume {
                Some(next) => {
                    // One that is interrupted goes on and counts then.
                    if result.stop_reason != StopReason::Interrupt {
                        usage += result.usage;
                        cycles += result.cycles;
                        cost = cost.saturating_add(result.cost.unwrap_or_default());
                    }
                    prompt = next;
                }
                None => {
                    result.usage += usage;
                    result.cycles += cycles;
                    result.cost = result.cost.map(|last| last.saturating_add(cost));
                    return Ok(result);
                }
            }
        }
    }

    /// From `BeforeInvocation` to `AfterInvocation`. The prompt is checked before anything else.
    async fn pass(&self, prompt: Prompt) -> (Result<AgentResult, Error>, Option<Prompt>) {
        if let Err(error) = self.check_limits() {
            return (Err(error), None);
        }
        self.take_state(&prompt);
        let (messages, denied) = match self.open(prompt).await {
            Ok(Opened::Go { messages, denied }) => (messages, denied),
            Ok(Opened::Waits) => {
                let saved = self.save_state().await;
                return (saved.map(|()| self.waiting()), None);
            }
            Ok(Opened::Answered) => {
                let run = self.run();
                let message = Arc::new(Message::assistant(""));
                return (Ok(self.result(&run, StopReason::EndTurn, message)), None);
            }
            Err(error) => return (Err(error), None),
        };
        let mut result = self.work(messages, denied).await;
        if let Err(error) = &result
            && error.is_context_overflow()
        {
            result = self.withdraw_prompt().await.and(result);
        }
        self.close(result).await
    }

    /// What the run kept of an invocation that goes on, with what the caller handed over now.
    fn take_state(&self, prompt: &Prompt) {
        if self.goes_on(prompt) {
            self.state.restore(self.run().state());
        }
    }

    /// True if something is under way, and this prompt goes on with it.
    fn goes_on(&self, prompt: &Prompt) -> bool {
        matches!(prompt, Prompt::Nothing | Prompt::Answers(_)) && !self.run().is_idle()
    }

    /// Keeps what hooks and tools changed, where the run goes on later.
    async fn save_state(&self) -> Result<(), Error> {
        let state = self.state.to_map();
        let changed = {
            let run = self.run();
            let over = matches!(run.next(), Step::Finish(_) | Step::Idle);
            !over && !run.is_idle() && *run.state() != state
        };
        if changed {
            self.commit(Record::StateChanged { state }).await?;
        }
        self.save_time().await
    }

    /// Takes a prompt back that does not fit the model's window: kept, it would stop every later one.
    async fn withdraw_prompt(&self) -> Result<(), Error> {
        let fits = self.run().check(&Record::PromptWithdrawn).is_ok();
        if fits { self.commit(Record::PromptWithdrawn).await } else { Ok(()) }
    }

    async fn work(
        &self,
        messages: Option<Vec<Message>>,
        denied: Option<String>,
    ) -> Result<AgentResult, Error> {
        self.sink.send(|| AgentEvent::InitEventLoop);
        match messages {
            Some(messages) => {
                let from = self.run().transcript().len();
                let state = self.state.to_map();
                let mut records = vec![Record::InvocationStarted { messages, state }];
                let is_denied = denied.is_some();
                records.extend(self.limits_record());
                records.extend(denied.map(|text| Record::Denied { text }));
                // In one: a crash between the two must not let the prompt through, nor must a
                // question about it.
                self.commit_all(records).await?;
                if is_denied {
                    let answer = self.run().transcript().last().cloned();
                    answer.into_iter().for_each(|answer| {
                        self.sink.send(|| AgentEvent::Message(answer));
                    });
                }
                self.announce_from(from).await?;
            }
            None => {
                self.tighten_limits().await?;
                self.announce_rest().await?;
                // A run that has ended already, and only waits to be announced, can't be denied.
                if let Some(record) = denied.map(|text| Record::Denied { text }) {
                    let fits = self.run().check(&record).is_ok();
                    if fits {
                        self.note_cut_off();
                        self.end_with(record).await?;
                    }
                }
            }
        }
        // Tools that go on belong to a cycle of their own.
        if matches!(self.run().next(), Step::Tools(_)) {
            self.sink.send(|| AgentEvent::Start);
            self.sink.send(|| AgentEvent::StartEventLoop);
        }
        loop {
            if self.must_stop() {
                self.unless_stopped(self.stopped(None).await)?;
            }
            let step = match self.plan() {
                Plan::Model => self.ask_model().await,
                Plan::Answer(held) => self.settle_held(held).await,
                Plan::Tools(calls) => self.run_tools(calls).await,
                Plan::Return(result) => return Ok(result),
                Plan::Idle => {
                    let text = "there is nothing to go on with: the run is idle";
                    return Err(Error::new(ErrorKind::InvalidInput, text));
                }
            };
            self.unless_stopped(step)?;
        }
    }

    fn plan(&self) -> Plan {
        let run = self.run();
        match run.next() {
            // An invocation that waits to begin has begun before this is asked.
            Step::Idle | Step::Begin(_) => Plan::Idle,
            Step::Model => Plan::Model,
            Step::Answer(held) => Plan::Answer(held.clone()),
            Step::Tools(_) if self.waits_in_turn(&run) => {
                drop(run);
                Plan::Return(self.waiting())
            }
            Step::Tools(calls) => Plan::Tools(calls.into_iter().cloned().collect()),
            Step::Finish(outcome) => {
                let reason = outcome.stop_reason.clone();
                Plan::Return(self.result(&run, reason, Arc::clone(&outcome.message)))
            }
            Step::Wait(_) => {
                drop(run);
                Plan::Return(self.waiting())
            }
        }
    }

    /// The result of a run that waits for answers.
    fn waiting(&self) -> AgentResult {
        let run = self.run();
        let last = || run.transcript().last().filter(|last| last.role == Role::Assistant);
        let message = run.pending_message().or_else(last).cloned();
        let message = message.unwrap_or_else(|| Arc::new(Message::assistant("")));
        let mut result = self.result(&run, StopReason::Interrupt, message);
        result.interrupts = run.open_interrupts();
        result
    }

    fn result(&self, run: &Run, reason: StopReason, message: Arc<Message>) -> AgentResult {
        let mut result = AgentResult::new(reason, message, run.usage(), run.cycles());
        result.cost = (!self.blueprint.prices.is_empty()).then(|| run.cost());
        result
            .unknown_outcomes
            .clone_from(&self.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        result
    }

    /// Announces the end, whatever it is; an error of a hook here stands behind the work's own.
    async fn close(
        &self,
        mut result: Result<AgentResult, Error>,
    ) -> (Result<AgentResult, Error>, Option<Prompt>) {
        let mut resume = None;
        let ended = result.as_ref().ok().cloned();
        let fired =
            self.fire(Site::AfterInvocation, |frame| AfterInvocationEvent::new(frame, ended));
        let mut announced = Ok(());
        match fired.await {
            Ok(Fired::Done(event)) => resume = event.into_resume(),
            Ok(Fired::Asked) if matches!(self.run().next(), Step::Wait(_)) => {
                result = result.map(|_| self.waiting());
            }
            Ok(Fired::Asked) => {}
            Ok(Fired::Nobody) => {}
            Err(error) => announced = self.unless_stopped(Err(error)),
        }
        let over = matches!(self.run().next(), Step::Finish(_));
        let recorded = match over {
            true => {
                self.keep_used();
                self.commit(Record::InvocationEnded).await
            }
            false => self.save_state().await,
        };
        let result = match (result, announced.and(recorded)) {
            (Ok(result), Ok(())) => Ok(result),
            (Ok(_), Err(error)) => Err(error),
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(later)) => {
                tracing::error!("after the invocation failed, so did its end: {}", later.report());
                Err(error)
            }
        };
        (result, resume)
    }

    /// Makes records durable, all or none, and applies them.
    pub(super) async fn commit_all(&self, records: Vec<Record>) -> Result<(), Error> {
        let mut next = self.run().clone();
        records.iter().try_for_each(|record| next.apply(record.clone()))?;
        if let Some(journal) = &self.agent.journal {
            self.agent.in_doubt.fetch_add(1, Ordering::AcqRel);
            journal.append(&records).await?;
            self.agent.in_doubt.fetch_sub(1, Ordering::AcqRel);
        }
        // Nothing else is under way where several records are committed at once.
        *self.run() = next;
        Ok(())
    }

    /// Makes a record durable and applies it.
    pub(super) async fn commit(&self, record: Record) -> Result<(), Error> {
        self.run().check(&record)?;
        let Some(journal) = &self.agent.journal else { return self.run().apply(record) };
        self.agent.in_doubt.fetch_add(1, Ordering::AcqRel);
        journal.append(std::slice::from_ref(&record)).await?;
        self.run().apply(record)?;
        self.agent.in_doubt.fetch_sub(1, Ordering::AcqRel);
        Ok(())
    }

    fn view(&self) -> AgentView {
        self.agent.view_with(&self.tools())
    }

    /// The tools that there are, until the model is asked again.
    fn tools(&self) -> Arc<ToolSet> {
        Arc::clone(&self.tools.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks which tools there are now.
    fn renew_tools(&self) -> Arc<ToolSet> {
        let tools = self.blueprint.toolbox.now();
        *self.tools.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&tools);
        tools
    }

    pub(super) fn run(&self) -> MutexGuard<'_, Run> {
        self.agent.lock()
    }

    /// Reports the calls that are about to be given up while nobody knows whether they ran.
    fn note_cut_off(&self) {
        let calls = self.run().calls().to_vec();
        for call in calls {
            if matches!(call.state, CallState::Claimed(_)) {
                self.note_unknown(&call.tool_use);
            }
        }
    }

    fn note_unknown(&self, tool_use: &ToolUse) {
        tracing::warn!(
            tool = tool_use.name,
            id = tool_use.tool_use_id,
            "the outcome of this tool call is unknown; it is not run again"
        );
        self.sink.send(|| AgentEvent::ToolOutcomeUnknown { tool_use: tool_use.clone() });
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).push(tool_use.clone());
    }
}

/// Refuses messages that can't stand in a history.
fn well_formed(messages: &[Message], kind: ErrorKind, what: &str) -> Result<(), Error> {
    Transcript::from_messages(messages.iter().cloned()).map(drop).map_err(|error| {
        Error::new(kind, format!("{what} can't stand in a history: {error}")).with_source(error)
    })
}
