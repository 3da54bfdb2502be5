//! The loop: asks the run what must happen, does it, and records what happened.

mod call;
mod effect;
mod model;
mod tools;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::stream::Sink;
use super::{Agent, AgentEvent, Blueprint};
use crate::error::{Error, ErrorKind};
use crate::hook::{AfterInvocationEvent, BeforeInvocationEvent, MessageAddedEvent};
use crate::message::{InterruptResponse, Message, Prompt, Role, ToolUse, Transcript};
use crate::model::StopReason;
use crate::run::{CallState, Record, Run, Step, ToolCall};
use crate::view::{AgentResult, AgentView};

/// Does one invocation of an agent.
pub(super) struct Driver<'agent> {
    agent: &'agent Agent,
    blueprint: &'agent Blueprint,
    sink: Sink,
    cancel: CancellationToken,
    /// Tool calls of this invocation of which nobody knows whether they ran.
    unknown: Mutex<Vec<ToolUse>>,
}

/// How a pass begins, once the prompt is known to fit.
enum Opening {
    /// With these messages.
    Messages(Vec<Message>),
    /// With these answers.
    Answers(Vec<InterruptResponse>),
    /// Where the run stands.
    Continue,
}

/// What must happen now, apart from the run it was read from.
enum Plan {
    Idle,
    Model,
    Tools(Vec<ToolCall>),
    Return(AgentResult),
}

impl<'agent> Driver<'agent> {
    pub(super) fn new(agent: &'agent Agent, sink: Sink, cancel: CancellationToken) -> Self {
        let blueprint = &*agent.blueprint;
        Self { agent, blueprint, sink, cancel, unknown: Mutex::default() }
    }

    /// One invocation: a pass, and further ones as long as a hook asks for them.
    pub(super) async fn invoke(&self, prompt: Prompt) -> Result<AgentResult, Error> {
        let mut prompt = prompt;
        loop {
            let (result, resume) = self.pass(prompt).await;
            if let Err(error) = &result {
                self.sink.send(|| AgentEvent::ForceStop { reason: error.report() });
            }
            match resume {
                Some(next) if result.is_ok() => prompt = next,
                _ => return result,
            }
        }
    }

    /// From `BeforeInvocation` to `AfterInvocation`. The prompt is checked before anything else.
    async fn pass(&self, prompt: Prompt) -> (Result<AgentResult, Error>, Option<Prompt>) {
        let (opening, cancelled) = match self.open(prompt).await {
            Ok(opened) => opened,
            Err(error) => return (Err(error), None),
        };
        let mut result = self.work(opening, cancelled).await;
        if let Err(error) = &result
            && error.is_context_overflow()
        {
            result = self.withdraw_prompt().await.and(result);
        }
        self.close(result).await
    }

    async fn open(&self, prompt: Prompt) -> Result<(Opening, Option<String>), Error> {
        self.refresh().await?;
        let opening = self.opening(prompt)?;
        let opened = self.before_invocation(opening).await?;
        // Only now is it sure that something else will be done.
        if matches!(opened.0, Opening::Messages(_)) && !self.run().is_idle() {
            self.give_up().await?;
        }
        Ok(opened)
    }

    /// Takes a prompt back that does not fit the model's window: kept, it would stop every later one.
    async fn withdraw_prompt(&self) -> Result<(), Error> {
        let fits = self.run().check(&Record::PromptWithdrawn).is_ok();
        if fits { self.commit(Record::PromptWithdrawn).await } else { Ok(()) }
    }

    /// Reads the run anew if nobody knows whether the last record reached the journal.
    pub(super) async fn refresh(&self) -> Result<(), Error> {
        if let Some(journal) = &self.agent.journal
            && self.agent.in_doubt.load(Ordering::Acquire) > 0
        {
            let run = Agent::load(&**journal).await?;
            *self.run() = run;
            self.agent.in_doubt.store(0, Ordering::Release);
        }
        Ok(())
    }

    fn opening(&self, prompt: Prompt) -> Result<Opening, Error> {
        let run = self.run();
        let open = !run.open_interrupts().is_empty();
        let messages = match prompt {
            Prompt::Answers(responses) => {
                run.check(&Record::Answered { responses: responses.clone() })?;
                return Ok(Opening::Answers(responses));
            }
            Prompt::Nothing if run.is_idle() => Vec::new(),
            Prompt::Nothing => return Ok(Opening::Continue),
            _ if open => {
                let names: Vec<String> =
                    run.open_interrupts().into_iter().map(|asked| asked.name).collect();
                return Err(Error::new(
                    ErrorKind::Interrupt,
                    format!(
                        "open questions must be answered first ({}): call `resume` with answers, or `abandon` to give them up",
                        names.join(", ")
                    ),
                ));
            }
            Prompt::Text(text) => vec![Message::user(text)],
            Prompt::Blocks(blocks) if blocks.is_empty() => Vec::new(),
            Prompt::Blocks(blocks) => vec![Message::new(Role::User, blocks)],
            Prompt::Messages(messages) => messages,
        };
        well_formed(&messages, ErrorKind::InvalidInput, "the prompt")?;
        Ok(Opening::Messages(messages))
    }

    /// Ends what an earlier invocation left behind, so that a new one can begin.
    pub(super) async fn give_up(&self) -> Result<(), Error> {
        self.note_cut_off();
        let ended = matches!(self.run().next(), Step::Finish(_));
        self.commit(if ended { Record::InvocationEnded } else { Record::Abandoned }).await
    }

    async fn before_invocation(
        &self,
        opening: Opening,
    ) -> Result<(Opening, Option<String>), Error> {
        let hooks = &self.blueprint.hooks;
        if !hooks.listens_to::<BeforeInvocationEvent>() {
            return Ok((opening, None));
        }
        let (messages, rest) = match opening {
            Opening::Messages(messages) => (messages, None),
            other => (Vec::new(), Some(other)),
        };
        let event = BeforeInvocationEvent::new(self.view(), messages);
        let (event, _) = hooks.invoke_callbacks_async(event).await?;
        let (messages, cancel) = event.into_parts();
        well_formed(&messages, ErrorKind::Hook, "what a BeforeInvocation hook gave")?;
        let denied = cancel.text("invocation denied by hook");
        match rest {
            None => Ok((Opening::Messages(messages), denied)),
            Some(rest) if messages.is_empty() => Ok((rest, denied)),
            Some(_) => Err(Error::new(
                ErrorKind::Hook,
                "a BeforeInvocation hook can't add messages while a run goes on: tools are under way",
            )),
        }
    }

    async fn work(&self, opening: Opening, denied: Option<String>) -> Result<AgentResult, Error> {
        self.sink.send(|| AgentEvent::InitEventLoop);
        match opening {
            Opening::Messages(messages) => {
                self.commit(Record::InvocationStarted { messages: messages.clone() }).await?;
                for message in messages {
                    self.message_added(Arc::new(message)).await?;
                }
            }
            Opening::Answers(responses) => self.commit(Record::Answered { responses }).await?,
            Opening::Continue => {}
        }
        // Tools that go on belong to a cycle of their own.
        if matches!(self.run().next(), Step::Tools(_)) {
            self.sink.send(|| AgentEvent::Start);
            self.sink.send(|| AgentEvent::StartEventLoop);
        }
        // A run that has ended already, and only waits to be announced, can't be denied any more.
        if let Some(text) = denied
            && self.is_working()
        {
            self.note_cut_off();
            self.end_with(Record::Denied { text }).await?;
        }
        loop {
            if self.cancel.is_cancelled() {
                self.cancelled(None).await?;
            }
            match self.plan() {
                Plan::Model => self.ask_model().await?,
                Plan::Tools(calls) => self.run_tools(calls).await?,
                Plan::Return(result) => return Ok(result),
                Plan::Idle => {
                    let text = "there is nothing to go on with: the run is idle";
                    return Err(Error::new(ErrorKind::InvalidInput, text));
                }
            }
        }
    }

    fn plan(&self) -> Plan {
        let run = self.run();
        match run.next() {
            Step::Idle => Plan::Idle,
            Step::Model => Plan::Model,
            Step::Tools(calls) => Plan::Tools(calls.into_iter().cloned().collect()),
            Step::Finish(outcome) => {
                let reason = outcome.stop_reason.clone();
                Plan::Return(self.result(&run, reason, Arc::clone(&outcome.message)))
            }
            Step::Wait(_) => {
                let message = run.pending_message().cloned();
                let message = message.unwrap_or_else(|| Arc::new(Message::assistant("")));
                let mut result = self.result(&run, StopReason::Interrupt, message);
                result.interrupts = run.open_interrupts();
                Plan::Return(result)
            }
        }
    }

    fn result(&self, run: &Run, reason: StopReason, message: Arc<Message>) -> AgentResult {
        let mut result = AgentResult::new(reason, message, run.usage(), run.cycles());
        result
            .unknown_outcomes
            .clone_from(&self.unknown.lock().unwrap_or_else(PoisonError::into_inner));
        result
    }

    /// Announces the end, whatever it is; an error of a hook here stands behind the work's own.
    async fn close(
        &self,
        result: Result<AgentResult, Error>,
    ) -> (Result<AgentResult, Error>, Option<Prompt>) {
        let hooks = &self.blueprint.hooks;
        let mut resume = None;
        let mut announced = Ok(());
        if hooks.listens_to::<AfterInvocationEvent>() {
            let event = AfterInvocationEvent::new(self.view(), result.as_ref().ok().cloned());
            match hooks.invoke_callbacks_async(event).await {
                Ok((event, _)) => resume = event.into_resume(),
                Err(error) => announced = Err(error),
            }
        }
        let over = matches!(self.run().next(), Step::Finish(_));
        let recorded = if over { self.commit(Record::InvocationEnded).await } else { Ok(()) };
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

    /// Ends the invocation because somebody cancelled it. `partial` is what the model had said.
    async fn cancelled(
        &self,
        partial: Option<(String, crate::message::Usage)>,
    ) -> Result<(), Error> {
        if !matches!(self.run().next(), Step::Model | Step::Tools(_)) {
            return Ok(());
        }
        self.note_cut_off();
        let (text, usage) = partial.unwrap_or_default();
        let text = if text.trim().is_empty() { "Cancelled by user".to_owned() } else { text };
        self.end_with(Record::Cancelled { text, usage }).await
    }

    /// True if the model or tools are under way, or wait for answers.
    fn is_working(&self) -> bool {
        !matches!(self.run().next(), Step::Idle | Step::Finish(_))
    }

    /// Commits a record that ends the invocation, and announces the messages that it adds.
    async fn end_with(&self, record: Record) -> Result<(), Error> {
        let before = self.run().transcript().len();
        self.commit(record).await?;
        let added: Vec<_> = self.run().transcript().iter().skip(before).cloned().collect();
        for message in added {
            // The message that asked for the tools was announced when it came.
            if message.tool_uses().next().is_none() {
                self.sink.send(|| AgentEvent::Message(Arc::clone(&message)));
                self.message_added(message).await?;
            }
        }
        Ok(())
    }

    async fn message_added(&self, message: Arc<Message>) -> Result<(), Error> {
        let hooks = &self.blueprint.hooks;
        if hooks.listens_to::<MessageAddedEvent>() {
            let event = MessageAddedEvent::new(self.view(), message);
            hooks.invoke_callbacks_async(event).await?;
        }
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
        self.agent.view()
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
