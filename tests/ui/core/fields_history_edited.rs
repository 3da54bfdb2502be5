//! Nothing of a HistoryEditedEvent can be set.
use ropewalk_core::{HistoryEditedEvent, HookRegistry};

fn main() {
    HookRegistry::new().add_callback(|event: &mut HistoryEditedEvent| {
        event.agent = todo!();
        event.edit = todo!();
        event.reason = todo!();
        event.manager = todo!();
    });
}
