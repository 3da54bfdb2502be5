//! §1.7 A callback returns nothing or a result: any other value would be lost.
use ropewalk_core::{BeforeToolCallEvent, HookRegistry};

fn is_shell(event: &BeforeToolCallEvent) -> bool {
    event.tool_use().name == "shell"
}

async fn is_shell_later(event: &BeforeToolCallEvent) -> bool {
    event.tool_use().name == "shell"
}

fn main() {
    let mut registry = HookRegistry::new();
    registry.add_callback(is_shell);
    registry.add_callback(is_shell_later);
}
