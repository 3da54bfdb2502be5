//! The last stage before a tool runs.

use std::fmt;
use std::sync::Arc;

use super::Cancel;
use super::frame::{Frame, agent_event};
use crate::error::BoxError;
use crate::interrupt::{Approval, ApprovalRequest};
use crate::message::ToolUse;
use crate::tool::Tool;

/// A tool runs next, exactly as this event shows it, unless a callback refuses or asks. May change:
/// `cancel_tool`.
///
/// It fires after all [`BeforeToolCallEvent`](super::BeforeToolCallEvent) hooks and within all wrap
/// hooks. Nothing can change tool or arguments behind it, and it has no setter for them itself: a
/// guard sees what will run. Whatever is asked here is bound to the run, the tool use, the tool and
/// the SHA-256 of the arguments: an answer that was given for other arguments is none.
///
/// ```
/// use ropewalk_core::{ApprovalRequest, HookRegistry, HookResult, ToolCallGuardEvent};
///
/// async fn approve(event: &mut ToolCallGuardEvent) -> HookResult {
///     if event.tool_use().name.starts_with("delete_") {
///         let approval = event.ask_approval("approve", ApprovalRequest::new("Delete it?"))?;
///         if !approval.is_approved() {
///             event.cancel_tool("the user said no");
///         }
///     }
///     Ok(())
/// }
///
/// let mut registry = HookRegistry::new();
/// registry.add_callback(approve);
/// ```
pub struct ToolCallGuardEvent {
    frame: Frame,
    tool: Arc<dyn Tool>,
    tool_use: Arc<ToolUse>,
    input_hash: String,
    cancel: Cancel,
}

impl ToolCallGuardEvent {
    pub(crate) fn new(
        frame: Frame,
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        input_hash: String,
    ) -> Self {
        Self { frame, tool, tool_use, input_hash, cancel: Cancel::No }
    }

    /// The tool that will run.
    pub fn tool(&self) -> &Arc<dyn Tool> {
        &self.tool
    }

    /// What it will be asked, under the name of the tool that will run, whatever name the model wrote.
    pub fn tool_use(&self) -> &ToolUse {
        &self.tool_use
    }

    /// The SHA-256 of the arguments, as hexadecimal digits; see
    /// [`input_hash`](crate::input_hash).
    pub fn input_hash(&self) -> &str {
        &self.input_hash
    }

    /// Whether the call is cancelled.
    pub fn cancelled(&self) -> &Cancel {
        &self.cancel
    }

    /// The tool does not run: the model gets an error result with the text (or
    /// `tool cancelled by user`). Once cancelled, no later guard can take it back.
    pub fn cancel_tool(&mut self, cancel: impl Into<Cancel>) {
        self.cancel.set(cancel.into());
    }

    /// Asks whether the call may be made: gives the approval or the denial if there is one, else
    /// leaves through `?`. The person sees the tool and its whole arguments besides the request.
    ///
    /// The answer holds for this call with these arguments, once, and for this question: with another
    /// title, risk, rule or approvers it is another one. Where the request names approvers,
    /// it counts only if it was given in one of their names
    /// ([`Invocation::answered_by`](crate::Invocation::answered_by)); where it expires, what the
    /// request says stands in its place then. A denial is enforced: the call is not made, whatever the
    /// callback does with it.
    ///
    /// # Errors
    /// As for [`InterruptScope::ask`](crate::InterruptScope::ask).
    pub fn ask_approval(
        &mut self,
        name: &str,
        request: ApprovalRequest,
    ) -> Result<Approval, BoxError> {
        let tool = &self.tool.spec().name;
        let reason = request.to_reason(tool, &self.tool_use.input, &self.input_hash);
        self.frame.scope.ask_approval(name, &request.variant(name), reason, request.terms())
    }

    pub(crate) fn into_cancel(self) -> Cancel {
        self.cancel
    }
}

impl fmt::Debug for ToolCallGuardEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCallGuardEvent")
            .field("tool", &self.tool.spec().name)
            .field("tool_use", &self.tool_use)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

agent_event!(ToolCallGuardEvent, writable = ["cancel_tool"]);
