//! Nothing of a DecisionEvent can be set.
use ropewalk_core::{HookRegistry, DecisionEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut DecisionEvent| {
        event.agent = todo!();
        event.decision = todo!();
    });
}
