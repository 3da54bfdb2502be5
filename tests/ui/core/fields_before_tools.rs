//! §1.1 Of a BeforeToolsEvent only cancel can be set.
use ropewalk_core::{HookRegistry, BeforeToolsEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut BeforeToolsEvent| {
        event.agent = todo!();
        event.message = todo!();
        event.invocation_state = todo!();
    });
}
