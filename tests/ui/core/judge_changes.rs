//! A judge can't change what it judges: it says so, by a verdict.
use ropewalk_core::{BeforeToolCallEvent, Policy, Verdict};

fn main() {
    let _ = Policy::named("p").before_tool_call(|event: &BeforeToolCallEvent| {
        event.cancel_tool(true);
        Verdict::proceed()
    });
}
