//! An observer can't change the event.
use ropewalk_core::{BeforeToolCallEvent, HookRegistry};

fn main() {
    HookRegistry::new().add_callback(|event: &BeforeToolCallEvent| event.cancel_tool("no"));
}
