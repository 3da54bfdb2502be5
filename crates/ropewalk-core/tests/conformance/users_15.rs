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
use crate::support::{guard, one_call};

async fn guarded() -> (Agent, TestTool) {
    let tool = echo("a");
    let builder =
        Agent::builder().no_callback_handler().model(one_call()).tool(tool.clone()).hook(guard);
    (builder.build().await.unwrap(), tool)
}
