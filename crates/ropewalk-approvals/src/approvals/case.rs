//! One call under one rule: what is decided is noted and carried out here, and nowhere else.

use ropewalk_core::{DecisionRecord, ToolCallGuardEvent, ToolUse};

use crate::rule::CheckedRule;

/// What the model is told besides why.
const LEAVE_IT: &str = "Nothing was run. Do not try it again, and do not try to reach the same in another way; go on without it, or tell the user what was refused.";

/// One call under one rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    /// Who decides: the name of the approvals.
    pub(super) handler: &'a str,
    pub(super) rule: &'a CheckedRule,
    /// The call, with the name of the tool that will run.
    pub(super) call: &'a ToolUse,
}

impl Case<'_> {
    /// It may run. `verdict` says who says so: `allow` the rules, `approve` a person.
    pub(super) fn pass(
        &self,
        event: &mut ToolCallGuardEvent,
        verdict: &str,
        by: Option<&str>,
        reason: &str,
    ) {
        self.note(event, verdict, by, reason);
    }

    /// It may not run; the model is told `text`.
    pub(super) fn refuse(
        &self,
        event: &mut ToolCallGuardEvent,
        by: Option<&str>,
        reason: &str,
        text: &str,
    ) {
        self.note(event, "deny", by, reason);
        event.cancel_tool(format!("DENIED: {text}. {LEAVE_IT}"));
    }

    fn note(&self, event: &mut ToolCallGuardEvent, verdict: &str, by: Option<&str>, reason: &str) {
        let mut decision = DecisionRecord::new(self.handler, "ToolCallGuardEvent", verdict)
            .with_rule(self.rule.label.as_str())
            .with_reason(reason)
            .with_call(self.call);
        decision.by = by.map(str::to_owned);
        event.record_decision(decision);
    }
}
