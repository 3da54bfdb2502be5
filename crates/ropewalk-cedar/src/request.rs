//! A tool call as policies see it.

use std::time::SystemTime;

use serde_json::Value;

use crate::principal::Principal;

/// A tool call as policies see it: made by the guard of an agent, or by hand to try policies out.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolRequest {
    pub(crate) principal: Option<Principal>,
    pub(crate) agent: String,
    pub(crate) run_id: String,
    pub(crate) tool: String,
    pub(crate) input: Value,
    pub(crate) time: Option<SystemTime>,
}

impl ToolRequest {
    /// A call of a tool with these arguments, by an agent named `agent` in the run `run`.
    pub fn new(tool: impl Into<String>, input: Value) -> Self {
        Self {
            principal: None,
            agent: "agent".to_owned(),
            run_id: "run".to_owned(),
            tool: tool.into(),
            input,
            time: None,
        }
    }

    /// For whom; the agent itself unless set.
    #[must_use]
    pub fn principal(mut self, principal: impl Into<Principal>) -> Self {
        self.principal = Some(principal.into());
        self
    }

    /// The agent's name.
    #[must_use]
    pub fn agent(mut self, name: impl Into<String>) -> Self {
        self.agent = name.into();
        self
    }

    /// Which run it is.
    #[must_use]
    pub fn run_id(mut self, run_id: impl Into<String>) -> Self {
        self.run_id = run_id.into();
        self
    }

    /// When it is. Without it policies are told no time.
    #[must_use]
    pub fn time(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }
}
