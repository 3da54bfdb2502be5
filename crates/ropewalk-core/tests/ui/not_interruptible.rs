//! Only events that can be interrupted have a way to ask.
use ropewalk_core::{AfterToolCallEvent, HookRegistry, HookResult};

fn main() {
    HookRegistry::new().add_callback(|event: &mut AfterToolCallEvent| -> HookResult {
        let _: bool = event.interrupt("approve", "why")?;
        Ok(())
    });
}
