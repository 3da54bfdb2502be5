//! Who sees every event only looks.
use ropewalk_core::{HookRegistry, ObservedEvent};

fn main() {
    HookRegistry::new().observe_all(|event: &mut ObservedEvent| drop(event.name()));
}
