//! Who sees every event only looks.
use ropewalk_core::{HookRegistry, ObservedEvent};

fn changes(event: &mut ObservedEvent) {
    drop(event.name());
}

fn main() {
    HookRegistry::new().observe_all(changes);
}
