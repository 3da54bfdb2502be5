//! Around all tool calls of one answer.

use std::sync::Arc;

use super::Cancel;
use super::frame::{Frame, agent_event};
use crate::message::{ContentBlock, Message};

/// The tools of one answer are about to run; fires again each time the batch is resumed. May
/// change: `cancel`. Can be interrupted.
#[derive(Debug)]
pub struct BeforeToolsEvent {
    frame: Frame,
    message: Arc<Message>,
    cancel: Cancel,
}

impl BeforeToolsEvent {
    pub(crate) fn new(frame: Frame, message: Arc<Message>) -> Self {
        Self { frame, message, cancel: Cancel::No }
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
        self.cancel.set(cancel.into());
    }
}

agent_event!(BeforeToolsEvent, writable = ["cancel"]);

/// All tools of one answer have their results, which are not in the history yet. Called in reverse
/// order. May change: `end_turn`.
#[derive(Debug)]
pub struct AfterToolsEvent {
    frame: Frame,
    message: Arc<Message>,
    end_turn: Option<Vec<ContentBlock>>,
}

impl AfterToolsEvent {
    pub(crate) fn new(frame: Frame, message: Arc<Message>) -> Self {
        Self { frame, message, end_turn: None }
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

agent_event!(AfterToolsEvent, reverse = true, writable = ["end_turn"]);

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
