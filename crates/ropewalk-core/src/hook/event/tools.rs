//! Around all tool calls of one answer.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{BaseHookEvent, Cancel, agent_event};
use crate::error::BoxError;
use crate::interrupt::InterruptScope;
use crate::message::{ContentBlock, Message};
use crate::view::AgentView;

/// The tools of one answer are about to run; fires again each time the batch is resumed. May
/// change: `cancel`. Can be interrupted.
#[derive(Debug)]
pub struct BeforeToolsEvent {
    agent: AgentView,
    message: Arc<Message>,
    cancel: Cancel,
    scope: InterruptScope,
}

impl BeforeToolsEvent {
    /// Where its questions are asked from.
    pub(crate) const SITE: &str = "v1:before_tools";

    pub(crate) fn new(agent: AgentView, message: Arc<Message>, scope: InterruptScope) -> Self {
        Self { agent, message, cancel: Cancel::No, scope }
    }

    /// The assistant's message with the tool uses.
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }

    /// Whether the batch is cancelled.
    pub fn cancelled(&self) -> &Cancel {
        &self.cancel
    }

    /// None of the tools runs: each use gets an error result with the text (or
    /// `Tool cancelled by hook`).
    pub fn cancel(&mut self, cancel: impl Into<Cancel>) {
        self.cancel = cancel.into();
    }

    /// Puts a question to a person: gives the answer if there is one, else leaves through `?`.
    ///
    /// # Errors
    /// As for [`InterruptScope::ask`].
    pub fn interrupt<A: DeserializeOwned>(
        &mut self,
        name: &str,
        reason: impl Serialize,
    ) -> Result<A, BoxError> {
        self.scope.ask(name, reason)
    }

    /// Like [`interrupt`](Self::interrupt), with an answer given beforehand: unless it is null,
    /// nobody is asked.
    ///
    /// # Errors
    /// As for [`InterruptScope::ask_with`].
    pub fn interrupt_with<A: DeserializeOwned>(
        &mut self,
        name: &str,
        reason: Value,
        response: Value,
    ) -> Result<A, BoxError> {
        self.scope.ask_with(name, reason, response)
    }
}

impl BaseHookEvent for BeforeToolsEvent {
    fn interrupt_scope(&self) -> Option<&InterruptScope> {
        Some(&self.scope)
    }
}
agent_event!(BeforeToolsEvent);

/// All tools of one answer have their results, which are not in the history yet. Called in reverse
/// order. May change: `end_turn`.
#[derive(Debug)]
pub struct AfterToolsEvent {
    agent: AgentView,
    message: Arc<Message>,
    end_turn: Option<Vec<ContentBlock>>,
}

impl AfterToolsEvent {
    pub(crate) fn new(agent: AgentView, message: Arc<Message>) -> Self {
        Self { agent, message, end_turn: None }
    }

    /// The message with the results, about to be added.
    pub fn message(&self) -> &Arc<Message> {
        &self.message
    }

    /// What the turn will end with, if a callback wants it to.
    pub fn end_turn(&self) -> Option<&[ContentBlock]> {
        self.end_turn.as_deref()
    }

    /// Ends the turn after these results: the blocks stand as the assistant's answer and the model
    /// is not asked again.
    ///
    /// Given as blocks, a text, or `true` for a standard text; `false` takes it back.
    pub fn set_end_turn(&mut self, end: impl Into<EndTurn>) {
        self.end_turn = end.into().0;
    }

    pub(crate) fn into_end_turn(self) -> Option<Vec<ContentBlock>> {
        self.end_turn
    }
}

impl BaseHookEvent for AfterToolsEvent {
    fn should_reverse_callbacks(&self) -> bool {
        true
    }
}
agent_event!(AfterToolsEvent);

/// What a turn is to end with, if it is to end: made from blocks, a text, `true` or `false`, as in
/// Strands.
#[derive(Clone, Debug, PartialEq)]
pub struct EndTurn(Option<Vec<ContentBlock>>);

impl From<Vec<ContentBlock>> for EndTurn {
    fn from(blocks: Vec<ContentBlock>) -> Self {
        Self(Some(blocks))
    }
}

impl From<&str> for EndTurn {
    fn from(text: &str) -> Self {
        Self(Some(vec![ContentBlock::from(text)]))
    }
}

impl From<String> for EndTurn {
    fn from(text: String) -> Self {
        Self(Some(vec![ContentBlock::from(text)]))
    }
}

impl From<bool> for EndTurn {
    fn from(end: bool) -> Self {
        Self(end.then(|| vec![ContentBlock::from("The turn was ended by a hook.")]))
    }
}
