//! An observer can't ask.
use ropewalk_core::{BeforeToolCallEvent, HookRegistry, HookResult};

fn main() {
    HookRegistry::new().add_callback(|event: &BeforeToolCallEvent| -> HookResult {
        let _: bool = event.interrupt("approve", "why")?;
        Ok(())
    });
}
