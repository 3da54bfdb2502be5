//! Around an agent and an invocation of it.

use std::sync::Arc;

use super::{BaseHookEvent, Cancel, agent_event};
use crate::message::{Message, Prompt};
use crate::view::{AgentResult, AgentView};

/// The agent is built, its session restored. Callbacks are called in the order of their
/// registration.
#[derive(Debug)]
pub struct AgentInitializedEvent {
    agent: AgentView,
}

impl AgentInitializedEvent {
    pub(crate) fn new(agent: AgentView) -> Self {
        Self { agent }
    }
}

impl BaseHookEvent for AgentInitializedEvent {}
agent_event!(AgentInitializedEvent);

/// An invocation begins; its input is not in the history yet. May change: `messages`, `cancel`.
#[derive(Debug)]
pub struct BeforeInvocationEvent {
    agent: AgentView,
    messages: Vec<Message>,
    cancel: Cancel,
}

impl BeforeInvocationEvent {
    pub(crate) fn new(agent: AgentView, messages: Vec<Message>) -> Self {
        Self { agent, messages, cancel: Cancel::No }
    }

    /// The messages that will be added to the history: none when a run is resumed.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Puts other messages in their place.
    pub fn set_messages(&mut self, messages: Vec<Message>) {
        self.messages = messages;
    }

    /// Whether the invocation is cancelled.
    pub fn cancelled(&self) -> &Cancel {
        &self.cancel
    }

    /// Lets the invocation end here: the input is kept, the model is not asked, and the text (or
    /// `invocation denied by hook`) stands as its answer.
    pub fn cancel(&mut self, cancel: impl Into<Cancel>) {
        self.cancel = cancel.into();
    }

    pub(crate) fn into_parts(self) -> (Vec<Message>, Cancel) {
        (self.messages, self.cancel)
    }
}

impl BaseHookEvent for BeforeInvocationEvent {}
agent_event!(BeforeInvocationEvent);

/// An invocation has ended, well or not. Called in reverse order. May change: `resume`.
#[derive(Debug)]
pub struct AfterInvocationEvent {
    agent: AgentView,
    result: Option<AgentResult>,
    resume: Option<Prompt>,
}

impl AfterInvocationEvent {
    pub(crate) fn new(agent: AgentView, result: Option<AgentResult>) -> Self {
        Self { agent, result, resume: None }
    }

    /// What it came to; none after an error.
    pub fn result(&self) -> Option<&AgentResult> {
        self.result.as_ref()
    }

    /// What the agent will be asked next, if a callback wants it to go on.
    pub fn resume(&self) -> Option<&Prompt> {
        self.resume.as_ref()
    }

    /// Lets the agent go on with another input within the same call; the caller gets only the
    /// last result. There is no bound: the hook must know when to stop.
    pub fn set_resume(&mut self, prompt: impl Into<Prompt>) {
        self.resume = Some(prompt.into());
    }

    pub(crate) fn into_resume(self) -> Option<Prompt> {
        self.resume
    }
}

impl BaseHookEvent for AfterInvocationEvent {
    fn should_reverse_callbacks(&self) -> bool {
        true
    }
}
agent_event!(AfterInvocationEvent);

/// A message was added to the history. The assistant's message with tool uses is announced when it
/// is there; it stands in the history as soon as its results do.
#[derive(Debug)]
pub struct MessageAddedEvent {
    agent: AgentView,
    message: Arc<Message>,
}

impl MessageAddedEvent {
    pub(crate) fn new(agent: AgentView, message: Arc<Message>) -> Self {
        Self { agent, message }
    }

    /// The message.
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }
}

impl BaseHookEvent for MessageAddedEvent {}
agent_event!(MessageAddedEvent);
