//! What must happen now.

use super::batch::ToolCall;
use super::held::HeldAnswer;
use super::outcome::Outcome;
use crate::interrupt::Interrupt;
use crate::message::Message;

/// What must happen now; [`Run::next`](super::Run::next) gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<'run> {
    /// Nothing: nobody asked anything.
    Idle,
    /// Let an invocation begin with these messages: a question had kept it back.
    Begin(&'run [Message]),
    /// Ask the model.
    Model,
    /// Let the model's answer, or its failure, count: a question had kept it back.
    Answer(&'run HeldAnswer),
    /// Run these tool calls, together or one after the other. Empty once all have their results:
    /// then only [`Record::ToolsFinished`](super::Record::ToolsFinished) is missing.
    Tools(Vec<&'run ToolCall>),
    /// The model has ended its turn, or tried often enough, without giving the value that the invocation
    /// must give: take it from the text, ask for it once more, or let the invocation fail.
    Output(&'run Outcome),
    /// Wait: nothing can go on before these questions are answered.
    Wait(Vec<&'run Interrupt>),
    /// The invocation has come to its end: announce it.
    Finish(&'run Outcome),
}
