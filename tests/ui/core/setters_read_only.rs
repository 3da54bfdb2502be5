//! §1.1 What a getter gives can't be changed in place.
use ropewalk_core::*;

fn main() {
    let mut registry = HookRegistry::new();
    registry.add_callback(|event: &mut BeforeInvocationEvent| {
        event.messages()[0] = Message::user("psst");
    });
    registry.add_callback(|event: &mut AfterModelCallEvent| {
        event.stop_response().unwrap().message.content.clear();
    });
    registry.add_callback(|event: &mut BeforeToolsEvent| event.message().content.clear());
    registry.add_callback(|event: &mut AfterToolsEvent| event.message().content.clear());
    registry.add_callback(|event: &mut BeforeToolCallEvent| event.tool_use().input = ().into());
    registry.add_callback(|event: &mut AfterToolCallEvent| event.result().content.clear());
    registry.add_callback(|event: &mut ToolCallGuardEvent| event.tool_use().input = ().into());
    registry.add_callback(|event: &mut DecisionEvent| event.decision().verdict = "allow".into());
    registry.add_callback(|event: &mut InterruptExpiringEvent| {
        event.interrupt().response = true.into();
    });
    registry.add_callback(|event: &mut BeforeModelCallEvent| {
        event.agent().messages().push(Message::user("psst")).unwrap();
    });
}
