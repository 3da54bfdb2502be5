//! The loop: asks the run what must happen, does it, and records what happened.

mod announce;
mod beside;
mod body;
mod call;
mod clock;
mod commit;
mod conversation;
mod direct;
mod effect;
mod expiry;
mod fire;
mod limits;
mod model;
mod open;
mod output;
mod stop;
mod token;
mod tools;
mod unrun;
mod wraps;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use super::callback_handler::Handler;
use super::stream::Sink;
use super::toolbox::ToolSet;
use super::{Agent, AgentEvent, Blueprint};
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterInvocationEvent, HookRegistry};
use crate::limits::{Limits, Money};
use crate::message::{Message, Prompt, Role, ToolUse, Transcript, Usage};
use crate::metrics::Recorder;
use crate::model::StopReason;
use crate::output::Wanted;
use crate::run::{CallState, HeldAnswer, Outcome, Record, Run, Site, Step, ToolCall};
use crate::view::{AgentResult, AgentView, InvocationState};

pub(super) use direct::DirectCall;
use fire::Fired;
use limits::Working;
use open::Opened;
use output::Asked;
use token::{Due, Token};

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
    /// By which the invocation is known when it is asked for again.
    token: Option<Token>,
    sink: Sink,
    recorder: Recorder,
    given: Bounds,
    /// Stops everything.
    cancel: CancellationToken,
    /// The value that the caller wants.
    wanted: Wanted,
    /// The value that this pass is to give.
    output: Mutex<Option<Arc<Asked>>>,
    /// The tools that the model was told of last: those are the ones that it can call.
    tools: Mutex<Arc<ToolSet>>,
    /// Stops everything but tools that run.
    after_tools: CancellationToken,
    /// What stopped the work is the end of its time.
    out_of_time: AtomicBool,
    working: Mutex<Working>,
    /// Whether a runtime keeps the time, once that was asked.
    clock: OnceLock<bool>,
    /// Something of an answer was streamed that does not count yet.
    shown: AtomicBool,
    /// Tool calls of this invocation of which nobody knows whether they ran.
    unknown: Mutex<Vec<ToolUse>>,
    /// The ids of questions that were put, and the calls that they are about.
    reserved: Mutex<BTreeMap<String, Option<String>>>,
}

/// What a caller gives besides the prompt.
#[derive(Default)]
pub(super) struct Given {
    pub(super) hooks: Option<HookRegistry>,
    pub(super) state: InvocationState,
    pub(super) by: Option<String>,
    pub(super) output: Wanted,
    /// Who is told of the events, in place of the agent's own handler.
    pub(super) handler: Option<Handler>,
    /// By which the invocation is known when it is asked for again.
    pub(super) token: Option<String>,
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
    Output(Outcome),
    Tools(Vec<ToolCall>),
    Return(Box<AgentResult>),
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
            state: given.state,
            by: given.by,
            token: None,
            sink,
            recorder: Recorder::new(),
            given: given.bounds,
            cancel: stops.now.child_token(),
            wanted: given.output,
            output: Mutex::default(),
            tools: Mutex::new(blueprint.toolbox.now()),
            after_tools: stops.after_tools,
            out_of_time: AtomicBool::new(false),
            working: Mutex::default(),
            clock: OnceLock::new(),
            shown: AtomicBool::new(false),
            unknown: Mutex::default(),
            reserved: Mutex::default(),
        }
    }

    /// One invocation: a pass, and further ones as long as a hook asks for them.
    pub(super) async fn invoke(
        mut self,
        prompt: Prompt,
        token: Option<String>,
    ) -> Result<AgentResult, Error> {
        self.refresh().await?;
        self.keep_state().await?;
        let _reset = self.reset_state_on_drop();
        self.settle_expired().await?;
        let (prompt, token) = match self.due(prompt, token)? {
            Due::Ask(prompt, token) => (prompt, token),
            Due::Done(result) => return Ok(*result),
        };
        self.token = token;
        let expired = self.run().questions().iter().any(|question| question.expired);
        if expired && !matches!(prompt, Prompt::Nothing | Prompt::Answers(_)) {
            // What the lack of an answer led to is done first, with what its own caller handed over;
            // then comes what is asked now.
            let bounds = Bounds { cancel: self.given.cancel.clone(), ..Bounds::default() };
            let given = Given { bounds, ..Given::default() };
            let earlier = Driver::new(self.agent, given, self.sink.clone());
            Box::pin(earlier.passes(Prompt::Nothing)).await?;
        }
        let result = self.passes(prompt).await;
        let metrics = match &result {
            Ok(result) => Arc::clone(&result.metrics),
            Err(_) => Arc::new(self.recorder.metrics(self.run().usage())),
        };
        self.agent.add_metrics(&metrics);
        result
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
        let mut by = self.by.as_deref();
        loop {
            let (result, resume) = self.pass(prompt, by).await;
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
                    // What a hook answers is not said in the caller's name.
                    by = None;
                }
                None => {
                    result.usage += usage;
                    result.cycles += cycles;
                    result.cost = result.cost.map(|last| last.saturating_add(cost));
                    if usage != Usage::default() {
                        result.metrics = Arc::new(self.recorder.metrics(result.usage));
                    }
                    return Ok(result);
                }
            }
        }
    }

    /// From `BeforeInvocation` to `AfterInvocation`. The prompt is checked before anything else.
    async fn pass(
        &self,
        prompt: Prompt,
        by: Option<&str>,
    ) -> (Result<AgentResult, Error>, Option<Prompt>) {
        if let Err(error) = self.check_limits().and_then(|()| self.prepare_output(&prompt)) {
            return (Err(error), None);
        }
        self.take_state(&prompt);
        let (messages, denied) = match Box::pin(self.open(prompt, by)).await {
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
        let mut result = Box::pin(self.work(messages, denied)).await;
        if let Err(error) = &result
            && error.is_context_overflow()
        {
            result = self.withdraw_prompt(result).await;
        }
        Box::pin(self.close(result)).await
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
        self.save_agent_state().await?;
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
    async fn withdraw_prompt<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        let fits = self.run().check(&Record::PromptWithdrawn).is_ok();
        if !fits {
            return result;
        }
        self.commit(Record::PromptWithdrawn).await?;
        self.agent.state.reset(self.run().agent_state_values());
        result.map_err(|error| error.context("the prompt was taken back"))
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
                let (joined, messages) = self.join(messages);
                let from = from - usize::from(joined.is_some());
                let mut records = vec![Record::InvocationStarted { messages, state }];
                records.extend(joined);
                records.extend(self.token_record());
                records.extend(self.output_to_ask());
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
                if let Some(record) = self.output_to_ask() {
                    // One that has ended already, and only waits to be announced, gives what it has.
                    let fits = self.run().check(&record).is_ok();
                    if fits {
                        self.commit(record).await?;
                    }
                }
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
            self.begin_cycle();
            self.sink.send(|| AgentEvent::Start);
            self.sink.send(|| AgentEvent::StartEventLoop);
        }
        // How often the conversation was made smaller for the model call that is to be made.
        let mut reductions = 0;
        loop {
            if self.must_stop() {
                self.unless_stopped(self.stopped(None).await)?;
            }
            let done = match self.plan() {
                Plan::Model => {
                    self.unless_stopped(Box::pin(self.manage_before_model()).await)?;
                    match Box::pin(self.ask_model()).await {
                        Err(error) if self.ease_output(&error) => Ok(()),
                        asked => asked,
                    }
                }
                Plan::Answer(held) => Box::pin(self.settle_held(held)).await,
                Plan::Output(outcome) => {
                    self.unless_stopped(Box::pin(self.settle_output(outcome)).await)?;
                    Ok(())
                }
                Plan::Tools(calls) => {
                    self.unless_stopped(Box::pin(self.run_tools(calls)).await)?;
                    Ok(())
                }
                Plan::Return(result) => return Ok(*result),
                Plan::Idle => {
                    let text = "there is nothing to go on with: the run is idle";
                    return Err(Error::new(ErrorKind::InvalidInput, text));
                }
            };
            match done {
                Ok(()) => reductions = 0,
                Err(error) => {
                    self.unless_stopped(Box::pin(self.make_it_fit(error, reductions)).await)?;
                    reductions += 1;
                }
            }
        }
    }

    /// Notes that a cycle begins.
    fn begin_cycle(&self) {
        let id = {
            let run = self.run();
            format!("{}/{}/{}", run.id(), run.invocation(), run.cycles() + 1)
        };
        self.recorder.cycle(id);
    }

    fn plan(&self) -> Plan {
        let run = self.run();
        match run.next() {
            // An invocation that waits to begin has begun before this is asked.
            Step::Idle | Step::Begin(_) => Plan::Idle,
            Step::Model => Plan::Model,
            Step::Answer(held) => Plan::Answer(held.clone()),
            Step::Output(outcome) => Plan::Output(outcome.clone()),
            Step::Tools(_) if self.waits_in_turn(&run) => {
                drop(run);
                Plan::Return(Box::new(self.waiting()))
            }
            Step::Tools(calls) => Plan::Tools(calls.into_iter().cloned().collect()),
            Step::Finish(outcome) => {
                let reason = outcome.stop_reason.clone();
                Plan::Return(Box::new(self.result(&run, reason, Arc::clone(&outcome.message))))
            }
            Step::Wait(_) => {
                drop(run);
                Plan::Return(Box::new(self.waiting()))
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
        result.metrics = Arc::new(self.recorder.metrics(run.usage()));
        result.cost = (!self.blueprint.prices.is_empty()).then(|| run.cost());
        result.state = self.state.to_map();
        if let Some(output) = run.output() {
            result.set_output(output.value.clone(), output.problem.clone());
        }
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
        let managed = self.manage().await;
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
        if over {
            self.forget_output();
        }
        let recorded = match over {
            true => self.end().await,
            false => self.save_state().await,
        };
        let result = match (result, managed.and(announced).and(recorded)) {
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

    /// Records that the end was announced; what it came to is kept where it may be asked for again.
    async fn end(&self) -> Result<(), Error> {
        self.keep_used();
        if self.token.is_some() {
            let state = self.state.to_map();
            self.commit(Record::StateChanged { state }).await?;
        }
        self.commit(Record::InvocationEnded).await
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
