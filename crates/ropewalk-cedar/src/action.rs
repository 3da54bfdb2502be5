//! What a tool call is called in a policy.

use cedar_policy::EntityUid;

use crate::principal::entity;

/// What the `action` of a tool call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Actions {
    /// `Action::"<tool>"`: a schema can give each tool's arguments a type of their own.
    #[default]
    PerTool,
    /// `Action::"call_tool"` for all of them; policies look at the resource, `Tool::"<tool>"`.
    CallTool,
}

impl Actions {
    /// The action of a call of this tool.
    pub(crate) fn of(self, tool: &str) -> Result<EntityUid, String> {
        match self {
            Self::PerTool => entity("Action", tool),
            Self::CallTool => entity("Action", "call_tool"),
        }
    }
}
