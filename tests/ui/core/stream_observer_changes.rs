//! What streams can only be looked at.
use ropewalk_core::{HookRegistry, ModelStreamEvent};

fn changes(event: &mut ModelStreamEvent) {
    drop(event);
}

fn main() {
    HookRegistry::new().observe_stream(changes);
}
