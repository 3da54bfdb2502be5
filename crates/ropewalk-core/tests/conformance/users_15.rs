//! What users of other SDKs ran into, turned into tests (the numbers are those of the list of users'
//! complaints). Item 9 stands in `nested.rs`, more of item 5 in `forged.rs`, items 13, 14 and those after 22 elsewhere.

mod answers;
mod approvals;
mod failures;
mod hooks;
mod model;
mod unapproved;

use ropewalk_core::*;

use crate::common::{TestTool, echo};
use crate::support::one_call;

/// A guard that asks for an approval of each call.
fn guard(event: &mut ToolCallGuardEvent) -> HookResult {
    let request = ApprovalRequest::new("Do it?");
    let approval = event.ask_approval("approve", request)?;
    event.cancel_tool(!approval.is_approved());
    Ok(())
}

async fn guarded() -> (Agent, TestTool) {
    let tool = echo("a");
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone()).hook(guard);
    (builder.build().await.unwrap(), tool)
}
