//! The loop: asks the run what must happen, does it, and records what happened.

mod announce;
mod beside;
mod body;
mod call;
mod clock;
mod close;
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
mod work;
mod wraps;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::callback_handler::Handler;
use super::cancel::Signal;
use super::stream::Sink;
use super::toolbox::ToolSet;
use super::{Agent, AgentEvent, Blueprint};
use crate::error::{Error, ErrorKind};
use crate::hook::HookRegistry;
use crate::limits::{Limits, Money};
use crate::message::{Message, Prompt, ToolUse, Transcript, Usage};
use crate::metrics::Recorder;
use crate::model::StopReason;
use crate::output::Wanted;
use crate::run::{CallState, Run};
use crate::view::{AgentResult, AgentView, InvocationState};

pub(super) use commit::Staged;
pub(super) use direct::DirectCall;
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
    after_tools: Signal,
    /// What stopped the work is the end of its time.
    out_of_time: AtomicBool,
    working: Mutex<Working>,
    /// Something of an answer was streamed that does not count yet.
    shown: AtomicBool,
    /// Tool calls of this invocation of which nobody knows whether they ran.
    unknown: Mutex<Vec<ToolUse>>,
    /// The ids of questions that were put, and the calls that they are about.
    reserved: Mutex<BTreeMap<String, Option<String>>>,
    /// The ids of calls that were cut off, and are made again.
    begun_again: Mutex<BTreeSet<String>>,
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
            shown: AtomicBool::new(false),
            unknown: Mutex::default(),
            reserved: Mutex::default(),
            begun_again: Mutex::default(),
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

    fn note_unknown(&self, tool_use: &Arc<ToolUse>) {
        tracing::warn!(
            tool = tool_use.name,
            id = tool_use.tool_use_id,
            "the outcome of this tool call is unknown; it is not run again"
        );
        self.sink.send(|| AgentEvent::ToolOutcomeUnknown { tool_use: Arc::clone(tool_use) });
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).push(ToolUse::clone(tool_use));
    }
}

/// Refuses messages that can't stand in a history.
fn well_formed(messages: &[Message], kind: ErrorKind, what: &str) -> Result<(), Error> {
    Transcript::from_messages(messages.iter().cloned()).map(drop).map_err(|error| {
        Error::new(kind, format!("{what} can't stand in a history: {error}")).with_source(error)
    })
}
