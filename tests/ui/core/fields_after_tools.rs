//! §1.1 Of an AfterToolsEvent only end_turn can be set.
use ropewalk_core::{HookRegistry, AfterToolsEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AfterToolsEvent| {
        event.agent = todo!();
        event.message = todo!();
        event.invocation_state = todo!();
    });
}
