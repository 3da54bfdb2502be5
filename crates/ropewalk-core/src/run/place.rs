//! How the ids of questions begin: with the place that they are asked from, the same in every process.
//! Those that Strands has are spelt as it spells them.

use super::{Run, Site};
use crate::interrupt::bind;

impl Run {
    /// The place of an event.
    pub(crate) fn place(&self, site: &Site) -> String {
        let (invocation, cycle) = (self.invocation(), self.cycles());
        match site {
            Site::AgentInitialized => "v1:agent_initialized".to_owned(),
            Site::BeforeInvocation => format!("v1:before_invocation:{invocation}"),
            Site::MessageAdded { index } => format!("v1:message_added:{index}"),
            Site::BeforeModelCall => format!("v1:before_model_call:{invocation}.{cycle}"),
            Site::AfterModelCall => format!("v1:after_model_call:{invocation}.{cycle}"),
            Site::Batch => "v1:before_tools".to_owned(),
            Site::Call { tool_use_id } => format!("v1:before_tool_call:{tool_use_id}"),
            Site::AfterCall { tool_use_id } => format!("v1:after_tool_call:{tool_use_id}"),
            Site::AfterTools => format!("v1:after_tools:{invocation}.{cycle}"),
            Site::AfterInvocation => format!("v1:after_invocation:{invocation}"),
        }
    }

    /// The place of a wrap around the model.
    pub(crate) fn model_wrap_place(&self) -> String {
        format!("v1:middleware_invoke_model:{}.{}", self.invocation(), self.cycles())
    }

    /// The place of a wrap around a tool.
    pub(crate) fn tool_wrap_place(tool_use_id: &str) -> String {
        format!("v1:middleware_execute_tool:{tool_use_id}")
    }

    /// The place of the guards of a call. An answer is bound to what it was given for: for another run
    /// or turn, another tool, other arguments, or another time after the call has run, it is another.
    pub(crate) fn guard_place(&self, tool_use_id: &str, tool: &str, input_hash: &str) -> String {
        let key = self.idempotency_key(tool_use_id);
        let call = self.calls().iter().find(|call| call.tool_use.tool_use_id == tool_use_id);
        let returns = call.map_or(0, super::ToolCall::returns).to_string();
        let bound = bind([self.id(), &key, tool, input_hash, &returns]);
        format!("v1:tool_call_guard:{tool_use_id}:{bound}")
    }
}
