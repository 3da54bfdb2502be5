//! An agent whose methods wait.

use std::fmt;
use std::ops::{Deref, DerefMut};

use futures_util::StreamExt as _;
use serde_json::Value;

use super::wait;
use crate::agent::{AgentBuilder, AgentEvent, AgentStream};
use crate::error::Error;
use crate::message::{InterruptResponse, Prompt, ToolResult};
use crate::tool::ToolInput;
use crate::view::AgentResult;

/// An agent whose methods wait for what they do, with the same results. What it has no method for is
/// that of the [`Agent`](crate::Agent) that it derefs to, with [`wait`] around what is async:
/// `wait(agent.invocation("hello").state("user", "ada"))`.
///
/// Stop it from another thread, or from a signal handler, with its
/// [`cancel_handle`](crate::Agent::cancel_handle).
pub struct Agent(crate::Agent);

impl Agent {
    /// Builds one; see [`AgentBuilder::build`].
    ///
    /// # Errors
    /// As for [`AgentBuilder::build`].
    pub fn build(builder: AgentBuilder) -> Result<Self, Error> {
        wait(builder.build()).map(Self)
    }

    /// The agent itself.
    pub fn into_inner(self) -> crate::Agent {
        self.0
    }

    /// Asks the agent and waits for what it comes to; see [`Agent::invoke`](crate::Agent::invoke).
    ///
    /// # Errors
    /// As for [`Agent::invoke`](crate::Agent::invoke).
    pub fn invoke(&mut self, prompt: impl Into<Prompt>) -> Result<AgentResult, Error> {
        let prompt = prompt.into();
        wait(self.0.invoke(prompt))
    }

    /// Answers open questions and goes on; see [`Agent::resume`](crate::Agent::resume).
    ///
    /// # Errors
    /// As for [`Agent::resume`](crate::Agent::resume).
    pub fn resume(
        &mut self,
        answers: impl IntoIterator<Item = InterruptResponse>,
    ) -> Result<AgentResult, Error> {
        self.invoke(Prompt::Answers(answers.into_iter().collect()))
    }

    /// Asks the agent and gives each event as it happens; the last one is the result. It may be dropped
    /// at any point. Between two events nothing goes on.
    pub fn stream(&mut self, prompt: impl Into<Prompt>) -> Events<'_> {
        Events(self.0.stream(prompt))
    }

    /// Calls one of the agent's tools by hand with arguments that know their tool; see
    /// [`Agent::call`](crate::Agent::call).
    ///
    /// # Errors
    /// As for [`Agent::call`](crate::Agent::call).
    pub fn call<I: ToolInput + Send>(&mut self, input: I) -> Result<ToolResult, Error> {
        wait(self.0.call(input))
    }

    /// Calls one of the agent's tools by hand; see [`DirectTool::call`](crate::DirectTool::call).
    ///
    /// # Errors
    /// As for [`DirectTool::call`](crate::DirectTool::call).
    pub fn call_tool(
        &mut self,
        name: impl Into<String>,
        input: impl Into<Value>,
    ) -> Result<ToolResult, Error> {
        let input = input.into();
        wait(self.0.tool(name).call(input))
    }
}

impl From<crate::Agent> for Agent {
    fn from(agent: crate::Agent) -> Self {
        Self(agent)
    }
}

impl Deref for Agent {
    type Target = crate::Agent;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Agent {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The events of one invocation; made by [`Agent::stream`].
#[derive(Debug)]
pub struct Events<'agent>(AgentStream<'agent>);

impl Iterator for Events<'_> {
    type Item = Result<AgentEvent, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = &mut self.0;
        wait(async { Ok(stream.next().await) }).unwrap_or_else(|error| Some(Err(error)))
    }
}
