//! §1.1 Nothing of an AgentInitializedEvent can be set.
use ropewalk_core::{HookRegistry, AgentInitializedEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AgentInitializedEvent| {
        event.agent = todo!();
        event.invocation_state = todo!();
    });
}
