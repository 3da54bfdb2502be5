//! What of a run Strands' files show.

use std::sync::Arc;

use ropewalk_core::{ManagerState, Message, Role, Run, ToolResult};
use serde_json::Value;

use super::record::{InterruptState, ManagerRecord, Pending};

/// The history as Strands has it: with the tool uses that are under way.
pub(super) fn messages(run: &Run) -> Vec<Arc<Message>> {
    let pending = run.pending_message().filter(|_| !run.is_unrecorded());
    run.transcript().iter().chain(pending).cloned().collect()
}

/// The message of a history that stands for those before it, if its manager keeps one apart.
pub(super) fn summary(
    manager: &ManagerRecord,
    run: &Run,
    messages: &[Arc<Message>],
) -> Option<Message> {
    let is_its = |kept: &&ManagerState| manager.name.as_ref() == Some(&kept.name);
    let kept = run.manager_state().filter(is_its).filter(|_| manager.is_summarizing())?;
    let has_one = kept.state.get("has_summary").and_then(Value::as_bool).unwrap_or_default();
    let first = messages.first().filter(|first| has_one && !first.is_pinned())?;
    Some(Message::clone(first))
}

/// The questions and the calls that wait for them. What Strands keeps besides in what the file has stays.
pub(super) fn interrupts(run: &Run, earlier: InterruptState) -> InterruptState {
    if !waits(run) {
        return InterruptState::default();
    }
    let asked = run.questions().iter().map(|question| &question.interrupt);
    let interrupts = asked.map(|asked| (asked.id.clone(), asked.clone())).collect();
    let mut context = earlier.context;
    let pending = run.pending_message().map(|message| Pending {
        assistant_message: Message::clone(message),
        completed_tool_results: results(run),
    });
    // Each version finds them where it looks.
    context.tool_use_message = pending.as_ref().map(|pending| pending.assistant_message.clone());
    context.tool_results = pending.as_ref().map(|pending| pending.completed_tool_results.clone());
    InterruptState { interrupts, context, activated: true, pending_tool_execution: pending }
}

/// True if Strands can go on with what the answers allow: with tool calls under way, or by asking the model.
fn waits(run: &Run) -> bool {
    if run.is_idle() || run.is_unrecorded() {
        return false;
    }
    if run.pending_message().is_some() {
        return !run.questions().is_empty();
    }
    let asks_model = run.transcript().last().is_some_and(|last| last.role == Role::User);
    asks_model && !run.open_interrupts().is_empty()
}

/// What is known of the calls, so that none of these is made again.
fn results(run: &Run) -> Vec<ToolResult> {
    run.calls().iter().filter_map(|call| call.known_result()).collect()
}
