//! §1.9 What only announces can't be asked from.
use ropewalk_core::{DecisionEvent, HookRegistry, HookResult};

fn main() {
    HookRegistry::new().add_callback(|event: &mut DecisionEvent| -> HookResult {
        event.interrupt::<bool>("approve", "why").map(drop)
    });
}
