//! Nothing of an InterruptExpiringEvent can be set.
use ropewalk_core::{HookRegistry, InterruptExpiringEvent};

fn main() {
    HookRegistry::new().add_callback(|event: &mut InterruptExpiringEvent| {
        event.agent = todo!();
        event.interrupt = todo!();
        event.expires_at = todo!();
        event.remaining = todo!();
    });
}
