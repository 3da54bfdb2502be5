//! What must happen now.

use super::batch::ToolCall;
use super::outcome::Outcome;
use crate::interrupt::Interrupt;

/// What must happen now; [`Run::next`](super::Run::next) gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<'run> {
    /// Nothing: nobody asked anything.
    Idle,
    /// Ask the model.
    Model,
    /// Run these tool calls, together or one after the other. Empty once all have their results:
    /// then only [`Record::ToolsFinished`](super::Record::ToolsFinished) is missing.
    Tools(Vec<&'run ToolCall>),
    /// Wait: nothing can go on before these questions are answered.
    Wait(Vec<&'run Interrupt>),
    /// The invocation has come to its end: announce it.
    Finish(&'run Outcome),
}
