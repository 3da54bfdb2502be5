//! §1.7 A callback returns nothing or a result: any other value would be lost.
use ropewalk_core::{BeforeToolCallEvent, HookRegistry};

fn main() {
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &BeforeToolCallEvent| event.tool_use().name == "shell");
    registry.add_callback(async |event: &BeforeToolCallEvent| event.tool_use().name == "shell");
}
