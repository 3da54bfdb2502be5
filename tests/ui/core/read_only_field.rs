//! What has no setter can't be set.
use ropewalk_core::{AfterToolCallEvent, HookRegistry, ToolUse};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AfterToolCallEvent| {
        event.tool_use = ToolUse::new("t", "n", ().into());
    });
}
