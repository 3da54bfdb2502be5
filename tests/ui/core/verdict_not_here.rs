//! A verdict that makes no sense for an event can't be given.
use ropewalk_core::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    ToolCallGuardEvent, Verdict,
};

fn main() {
    let _ = Verdict::<AfterToolCallEvent>::deny("too late");
    let _ = Verdict::<AfterModelCallEvent>::deny("too late");
    let _ = Verdict::<AfterToolCallEvent>::guide("too late");
    let _ = Verdict::<BeforeInvocationEvent>::confirm("really?");
    let _ = Verdict::<BeforeModelCallEvent>::confirm("really?");
    let _ = Verdict::<ToolCallGuardEvent>::guide("arguments are final");
    let _ = Verdict::<ToolCallGuardEvent>::transform(|_: &mut ToolCallGuardEvent| ());
}
