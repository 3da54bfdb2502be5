//! Around a model call.

use std::sync::Arc;

use super::{BaseHookEvent, Cancel, agent_event};
use crate::error::Error;
use crate::model::ModelTurn;
use crate::view::AgentView;

/// The model is about to be asked, once for each attempt. May change: `cancel`.
#[derive(Debug)]
pub struct BeforeModelCallEvent {
    agent: AgentView,
    cancel: Cancel,
}

impl BeforeModelCallEvent {
    pub(crate) fn new(agent: AgentView) -> Self {
        Self { agent, cancel: Cancel::No }
    }

    /// Whether the call is cancelled.
    pub fn cancelled(&self) -> &Cancel {
        &self.cancel
    }

    /// The model is not asked; the text (or `model call denied by hook`) stands as its answer.
    pub fn cancel(&mut self, cancel: impl Into<Cancel>) {
        self.cancel = cancel.into();
    }
}

impl BaseHookEvent for BeforeModelCallEvent {}
agent_event!(BeforeModelCallEvent);

/// The model has answered or failed; its message is not in the history yet. Called in reverse
/// order. May change: `retry`.
#[derive(Debug)]
pub struct AfterModelCallEvent {
    agent: AgentView,
    outcome: Result<Arc<ModelTurn>, Arc<Error>>,
    retry: bool,
}

impl AfterModelCallEvent {
    pub(crate) fn new(agent: AgentView, outcome: Result<Arc<ModelTurn>, Arc<Error>>) -> Self {
        Self { agent, outcome, retry: false }
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
}

impl BaseHookEvent for AfterModelCallEvent {
    fn should_reverse_callbacks(&self) -> bool {
        true
    }
}
agent_event!(AfterModelCallEvent);
