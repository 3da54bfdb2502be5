//! §1.1 Nothing of a MessageAddedEvent can be set.
use ropewalk_core::{HookRegistry, MessageAddedEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut MessageAddedEvent| {
        event.agent = todo!();
        event.message = todo!();
        event.invocation_state = todo!();
    });
}
