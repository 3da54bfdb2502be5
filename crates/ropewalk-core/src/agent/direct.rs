//! Calling a tool without the model.

use std::fmt;

use serde_json::Value;

use super::Agent;
use super::driver::{Driver, Given};
use super::stream::Sink;
use crate::error::Error;
use crate::message::ToolResult;

/// A tool of an agent, to be called by hand; made by [`Agent::tool`].
pub struct DirectTool<'agent> {
    agent: &'agent mut Agent,
    name: String,
}

impl<'agent> DirectTool<'agent> {
    pub(super) fn new(agent: &'agent mut Agent, name: String) -> Self {
        Self { agent, name }
    }

    /// Calls the tool with these arguments, through the same hooks, guards and wraps as the model's
    /// calls, and claimed and recorded like these. The history gets four messages, as in Strands: who
    /// called, the tool use, its result, and that it was called.
    ///
    /// A tool that fails, or that a hook refuses, gives an error result.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if there is no such tool, or if
    /// something else is unfinished. [`ErrorKind::Interrupt`](crate::ErrorKind::Interrupt) if a
    /// question was asked: [`Agent::interrupts`] has it, [`Agent::resume`] answers it and finishes the
    /// call. [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled) after a cancel. A hook or the
    /// journal failed.
    pub async fn call(self, input: impl Into<Value>) -> Result<ToolResult, Error> {
        let _renew = self.agent.cancel.renew_on_drop();
        let driver = Driver::new(self.agent, Given::default(), Sink::none());
        driver.call_directly(&self.name, input.into()).await
    }
}

impl fmt::Debug for DirectTool<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectTool").field("name", &self.name).finish_non_exhaustive()
    }
}
