//! What streams can only be looked at.
use ropewalk_core::{HookRegistry, ModelStreamEvent};

fn main() {
    HookRegistry::new().observe_stream(|event: &mut ModelStreamEvent| drop(event));
}
