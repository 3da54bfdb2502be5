//! Around a model call.

use std::sync::Arc;

use super::Cancel;
use super::frame::{Frame, agent_event};
use crate::error::Error;
use crate::message::Message;
use crate::model::ModelTurn;

/// The model is about to be asked, once for each attempt. May change: `cancel`; may add guidance.
#[derive(Debug)]
pub struct BeforeModelCallEvent {
    frame: Frame,
    projected_input_tokens: Option<u64>,
    cancel: Cancel,
    guidance: Vec<Message>,
}

impl BeforeModelCallEvent {
    pub(crate) fn new(frame: Frame, projected_input_tokens: Option<u64>) -> Self {
        Self { frame, projected_input_tokens, cancel: Cancel::No, guidance: Vec::new() }
    }

    /// About how many tokens the model will read: those of its last call, and an estimate of what came
    /// and went since ([`Message::estimated_tokens`]). None before its first answer.
    pub fn projected_input_tokens(&self) -> Option<u64> {
        self.projected_input_tokens
    }

    /// Adds a user message to the history, before the model is asked.
    pub fn add_guidance(&mut self, text: impl Into<String>) {
        self.guidance.push(Message::user(text.into()));
    }

    /// Whether the call is cancelled.
    pub fn cancelled(&self) -> &Cancel {
        &self.cancel
    }

    /// The model is not asked; the text (or `model call denied by hook`) stands as its answer.
    pub fn cancel(&mut self, cancel: impl Into<Cancel>) {
        self.cancel.set(cancel.into());
    }

    pub(crate) fn into_parts(self) -> (Cancel, Vec<Message>) {
        (self.cancel, self.guidance)
    }
}

agent_event!(BeforeModelCallEvent, writable = ["cancel", "guidance"]);

/// The model has answered or failed; its message is not in the history yet. Called in reverse
/// order. May change: `retry`, `guidance`.
#[derive(Debug)]
pub struct AfterModelCallEvent {
    frame: Frame,
    outcome: Result<Arc<ModelTurn>, Arc<Error>>,
    retry: bool,
    guidance: Vec<Message>,
}

impl AfterModelCallEvent {
    pub(crate) fn new(frame: Frame, outcome: Result<Arc<ModelTurn>, Arc<Error>>) -> Self {
        Self { frame, outcome, retry: false, guidance: Vec::new() }
    }

    /// What the model answered, with its stop reason; none after an error.
    pub fn stop_response(&self) -> Option<&ModelTurn> {
        self.outcome.as_deref().ok()
    }

    /// What went wrong; none after an answer.
    pub fn exception(&self) -> Option<&Error> {
        self.outcome.as_ref().err().map(|error| &**error)
    }

    /// Whether the model will be asked again.
    pub fn retry(&self) -> bool {
        self.retry
    }

    /// Throws the answer or the error away and asks the model again. There is no bound: the hook
    /// must know when to stop. What was streamed already was streamed.
    pub fn set_retry(&mut self, retry: bool) {
        self.retry = retry;
    }

    /// Adds a user message to the history and asks the model again. The answer that it is about does
    /// not stand in the history.
    pub fn add_guidance(&mut self, text: impl Into<String>) {
        self.guidance.push(Message::user(text.into()));
        self.retry = true;
    }

    pub(crate) fn into_retry(self) -> Option<Vec<Message>> {
        self.retry.then_some(self.guidance)
    }
}

agent_event!(AfterModelCallEvent, reverse = true, writable = ["retry", "guidance"]);
