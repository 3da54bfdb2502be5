//! A message that was added can't be changed any more.
use ropewalk_core::{HookRegistry, MessageAddedEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut MessageAddedEvent| {
        event.message().content.clear();
    });
}
