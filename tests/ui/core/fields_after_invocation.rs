//! §1.1 Of an AfterInvocationEvent only resume can be set.
use ropewalk_core::{HookRegistry, AfterInvocationEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AfterInvocationEvent| {
        event.agent = todo!();
        event.result = todo!();
        event.invocation_state = todo!();
    });
}
