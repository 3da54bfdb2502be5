//! §1.1 Of an AfterToolCallEvent only result and retry can be set.
use ropewalk_core::{HookRegistry, AfterToolCallEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AfterToolCallEvent| {
        event.agent = todo!();
        event.selected_tool = todo!();
        event.tool_use = todo!();
        event.invocation_state = todo!();
        event.exception = todo!();
        event.cancel_message = todo!();
        event.duration = todo!();
    });
}
