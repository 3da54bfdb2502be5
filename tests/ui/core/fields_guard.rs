//! Of a ToolCallGuardEvent only cancel can be set: nothing changes behind it.
use ropewalk_core::{HookRegistry, ToolCallGuardEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut ToolCallGuardEvent| {
        event.agent = todo!();
        event.tool = todo!();
        event.tool_use = todo!();
        event.input_hash = todo!();
        event.invocation_state = todo!();
    });
}
