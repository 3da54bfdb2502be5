//! §1.1 Of an AfterModelCallEvent only retry can be set.
use ropewalk_core::{HookRegistry, AfterModelCallEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AfterModelCallEvent| {
        event.agent = todo!();
        event.invocation_state = todo!();
        event.stop_response = todo!();
        event.exception = todo!();
    });
}
