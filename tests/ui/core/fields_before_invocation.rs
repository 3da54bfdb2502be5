//! §1.1 Of a BeforeInvocationEvent only messages and cancel can be set.
use ropewalk_core::{HookRegistry, BeforeInvocationEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut BeforeInvocationEvent| {
        event.agent = todo!();
        event.invocation_state = todo!();
    });
}
