//! §1.10 What is no event can't be registered for; neither can no type at all.
use ropewalk_core::{AnyEvent, HookRegistry};

fn count(number: &mut u32) {
    *number += 1;
}

fn main() {
    let mut registry = HookRegistry::new();
    registry.add_callback(count);
    registry.add_callback_for::<(), _>(|_: &AnyEvent| {});
    registry.add_callback_for::<(u32,), _>(|_: &AnyEvent| {});
}
