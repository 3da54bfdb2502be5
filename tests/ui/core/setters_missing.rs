//! §1.1 What can't be set has no setter either.
use ropewalk_core::*;

fn main() {
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &mut AfterInvocationEvent| event.set_result(None));
    registry.add_callback(|event: &mut MessageAddedEvent| event.set_message(todo!()));
    registry.add_callback(|event: &mut BeforeModelCallEvent| event.set_messages(todo!()));
    registry.add_callback(|event: &mut AfterModelCallEvent| event.set_stop_response(todo!()));
    registry.add_callback(|event: &mut AfterModelCallEvent| event.set_exception(None));
    registry.add_callback(|event: &mut BeforeModelCallEvent| event.set_projected_input_tokens(1));
    registry.add_callback(|event: &mut BeforeToolsEvent| event.set_message(todo!()));
    registry.add_callback(|event: &mut AfterToolsEvent| event.set_message(todo!()));
    registry.add_callback(|event: &mut AfterToolCallEvent| event.set_tool_use(todo!()));
    registry.add_callback(|event: &mut AfterToolCallEvent| event.set_selected_tool(None));
    registry.add_callback(|event: &mut AfterToolCallEvent| event.set_exception(None));
    registry.add_callback(|event: &mut AfterToolCallEvent| event.set_cancel_message(None));
    registry.add_callback(|event: &mut AfterToolCallEvent| event.set_duration(None));
    registry.add_callback(|event: &mut BeforeToolCallEvent| event.set_invocation_state(todo!()));
    registry.add_callback(|event: &mut ToolCallGuardEvent| event.set_input(().into()));
    registry.add_callback(|event: &mut ToolCallGuardEvent| event.set_tool_use(todo!()));
    registry.add_callback(|event: &mut ToolCallGuardEvent| event.set_selected_tool(None));
}
