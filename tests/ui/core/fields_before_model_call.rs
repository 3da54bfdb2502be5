//! §1.1 Of a BeforeModelCallEvent only cancel can be set.
use ropewalk_core::{HookRegistry, BeforeModelCallEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut BeforeModelCallEvent| {
        event.agent = todo!();
        event.invocation_state = todo!();
        event.projected_input_tokens = todo!();
    });
}
