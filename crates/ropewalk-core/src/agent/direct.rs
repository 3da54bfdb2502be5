//! Calling a tool without the model.

use std::fmt;

use serde::Serialize;

use super::Agent;
use super::driver::{DirectCall, Driver, Given};
use super::stream::Sink;
use crate::error::{Error, ErrorKind};
use crate::message::ToolResult;

/// A tool of an agent, to be called by hand; made by [`Agent::tool`] (Strands' `agent.tool.name`).
#[must_use = "a tool is called by `call`"]
pub struct DirectTool<'agent> {
    agent: &'agent mut Agent,
    name: String,
    user_message: Option<String>,
    record: Option<bool>,
}

impl<'agent> DirectTool<'agent> {
    pub(super) fn new(agent: &'agent mut Agent, name: String) -> Self {
        Self { agent, name, user_message: None, record: None }
    }

    /// What stands in the history before it says that the tool was called (Strands'
    /// `user_message_override`).
    pub fn user_message(mut self, text: impl Into<String>) -> Self {
        self.user_message = Some(text.into());
        self
    }

    /// Whether the call stands in the history: as the agent was built
    /// ([`record_direct_tool_call`](super::AgentBuilder::record_direct_tool_call)) unless set. One that
    /// does not is claimed and can be resumed like any other, and leaves nothing behind.
    pub fn record(mut self, record: bool) -> Self {
        self.record = Some(record);
        self
    }

    /// Calls the tool with these arguments: JSON, or any value that serialises to an object. It passes
    /// the same hooks, guards and wraps as the model's calls, and is claimed like these. The history
    /// gets four messages, as in Strands: who called, the tool use, its result, and that it was called.
    /// Arguments that the tool's schema does not know are left out.
    ///
    /// A tool that fails, or that a hook refuses, gives an error result.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no such tool, if something else is unfinished, or if the
    /// arguments do not serialise. [`ErrorKind::Interrupt`] if a question was asked:
    /// [`Agent::interrupts`] has it, [`Agent::resume`] answers it and finishes the call.
    /// [`ErrorKind::Cancelled`] after a cancel. [`ErrorKind::Timeout`] if the agent's limit of time was
    /// reached: of its [`Limits`](crate::Limits) this one holds for a call by hand, which is an invocation of
    /// its own with one tool call and no model. A hook or the journal failed.
    pub async fn call(self, input: impl Serialize) -> Result<ToolResult, Error> {
        let Self { agent, name, user_message, record } = self;
        let input = serde_json::to_value(input).map_err(|error| {
            let text = format!("the arguments for `{name}` do not serialise to JSON: {error}");
            Error::new(ErrorKind::InvalidInput, text).with_source(error)
        })?;
        let record = record.unwrap_or(agent.blueprint.record_direct_tool_call);
        let _renew = agent.cancel.renew_on_drop();
        let driver = Driver::new(agent, Given::default(), Sink::none());
        driver.call_directly(DirectCall { name, input, user_message, record }).await
    }
}

impl fmt::Debug for DirectTool<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectTool").field("name", &self.name).finish_non_exhaustive()
    }
}
