//! Events of an agent are made by the agent alone.
use ropewalk_core::{AgentInitializedEvent, HookRegistry};

fn main() {
    let event = AgentInitializedEvent { frame: todo!() };
    HookRegistry::new().invoke_callbacks(event).unwrap();
}
