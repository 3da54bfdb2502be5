//! Around an agent and an invocation of it.

use std::sync::Arc;

use super::Cancel;
use super::frame::{Frame, agent_event};
use crate::message::{Message, Prompt};
use crate::view::AgentResult;

/// The agent is built, its session restored. A question that is asked here must be answered before
/// the agent does anything.
#[derive(Debug)]
pub struct AgentInitializedEvent {
    frame: Frame,
}

impl AgentInitializedEvent {
    pub(crate) fn new(frame: Frame) -> Self {
        Self { frame }
    }
}

agent_event!(AgentInitializedEvent);

/// An invocation begins; its input is not in the history yet. May change: `messages`, `cancel`.
#[derive(Debug)]
pub struct BeforeInvocationEvent {
    frame: Frame,
    messages: Vec<Message>,
    cancel: Cancel,
}

impl BeforeInvocationEvent {
    pub(crate) fn new(frame: Frame, messages: Vec<Message>) -> Self {
        Self { frame, messages, cancel: Cancel::No }
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
        self.cancel.set(cancel.into());
    }

    pub(crate) fn into_parts(self) -> (Vec<Message>, Cancel) {
        (self.messages, self.cancel)
    }
}

agent_event!(BeforeInvocationEvent, writable = ["messages", "cancel"]);

/// An invocation has ended, well or not. Called in reverse order. May change: `resume`.
#[derive(Debug)]
pub struct AfterInvocationEvent {
    frame: Frame,
    result: Option<AgentResult>,
    resume: Option<Prompt>,
}

impl AfterInvocationEvent {
    pub(crate) fn new(frame: Frame, result: Option<AgentResult>) -> Self {
        Self { frame, result, resume: None }
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
    /// last result. There is no bound: the hook must know when to stop. Answers are given in nobody's
    /// name then, whoever [answered](crate::Invocation::answered_by) before.
    pub fn set_resume(&mut self, prompt: impl Into<Prompt>) {
        self.resume = Some(prompt.into());
    }

    pub(crate) fn into_resume(self) -> Option<Prompt> {
        self.resume
    }
}

agent_event!(AfterInvocationEvent, reverse = true, writable = ["resume"]);

/// A message was added to the history. The assistant's message with tool uses is announced when it
/// is there; it stands in the history as soon as its results do.
///
/// It is announced once: a callback that fails stops the step, but when the run goes on, the message is
/// not announced again. What must keep a step from happening stands at the event before that step.
#[derive(Debug)]
pub struct MessageAddedEvent {
    frame: Frame,
    message: Arc<Message>,
}

impl MessageAddedEvent {
    pub(crate) fn new(frame: Frame, message: Arc<Message>) -> Self {
        Self { frame, message }
    }

    /// The message.
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }
}

agent_event!(MessageAddedEvent);
