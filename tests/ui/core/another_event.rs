//! §1.6 A callback is for the type that it names: it can't be handed another event.
use ropewalk_core::{AfterToolCallEvent, BeforeToolCallEvent, HookRegistry};

fn look(_: &BeforeToolCallEvent) {}

fn main() {
    HookRegistry::new().add_callback::<AfterToolCallEvent, _>(look);
}
