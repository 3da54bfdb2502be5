//! §1.1 Of a BeforeToolCallEvent only tool, tool use and cancel can be set.
use ropewalk_core::{HookRegistry, BeforeToolCallEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut BeforeToolCallEvent| {
        event.agent = todo!();
        event.invocation_state = todo!();
    });
}
