//! The events that interventions judge, and what each action does to them.

use super::policy::{Judge, Policy};
use super::question;
use crate::decision::DecisionRecord;
use crate::hook::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, Cancel, HookEvent, ToolCallGuardEvent, order,
};
use crate::interrupt::ApprovalRequest;

/// An event that interventions judge. Can't be implemented outside of this crate.
pub trait Stage: HookEvent + sealed::Effects {
    /// The name of the stage: `before_tool_call`.
    const NAME: &'static str;
}

/// An event that [`Verdict::deny`](super::Verdict::deny) can stop.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be denied",
    note = "what can be denied: an invocation, a model call, a tool call, before it happens"
)]
pub trait MayDeny: Stage {}

/// An event at which the model can be told something:
/// [`Verdict::guide`](super::Verdict::guide).
#[diagnostic::on_unimplemented(
    message = "no guidance can be given at `{Self}`",
    note = "guidance can be given before an invocation or a tool call, and around a model call"
)]
pub trait MayGuide: Stage {}

/// An event at which a person can be asked: [`Verdict::confirm`](super::Verdict::confirm).
#[diagnostic::on_unimplemented(
    message = "nobody can be asked to confirm `{Self}`",
    note = "what can be confirmed: a tool call, before it happens"
)]
pub trait MayConfirm: Stage {
    /// What a question is made of; a text will do for all of them.
    type Question: question::Ask<Self>;
}

/// An event that can be changed: [`Verdict::transform`](super::Verdict::transform).
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be transformed",
    note = "what the guard sees is final: change the arguments before the tool call"
)]
pub trait MayTransform: Stage {}

/// What the actions do. The methods of actions that an event does not have are never called: no such
/// verdict can be made.
pub(super) mod sealed {
    use super::{DecisionRecord, Judge, Policy, order};

    #[allow(unreachable_pub)]
    pub trait Effects: Sized {
        /// When its callback is called.
        const ORDER: i32 = order::INTERVENTION_INPUT;

        /// Whether it can be kept from happening.
        const REFUSABLE: bool = false;

        /// The handler that a policy has for it.
        fn judge(policy: &Policy) -> Option<&Judge<Self>>;

        /// Lets it not happen.
        fn refuse(&mut self, text: String) {
            drop(text);
        }

        /// Passes guidance on.
        fn guide(&mut self, guidance: String) {
            drop(guidance);
        }

        /// True if it can't happen any more, whatever is said of it.
        fn is_over(&self) -> bool {
            false
        }

        /// Adds to a decision which call it is about.
        fn about(&self, decision: DecisionRecord) -> DecisionRecord {
            decision
        }

        /// Puts a decision on record.
        fn record(&mut self, decision: DecisionRecord);
    }
}
use sealed::Effects;

impl Stage for BeforeInvocationEvent {
    const NAME: &'static str = "before_invocation";
}
impl MayDeny for BeforeInvocationEvent {}
impl MayGuide for BeforeInvocationEvent {}
impl MayTransform for BeforeInvocationEvent {}

impl Stage for BeforeModelCallEvent {
    const NAME: &'static str = "before_model_call";
}
impl MayDeny for BeforeModelCallEvent {}
impl MayGuide for BeforeModelCallEvent {}
impl MayTransform for BeforeModelCallEvent {}

impl Stage for AfterModelCallEvent {
    const NAME: &'static str = "after_model_call";
}
impl MayGuide for AfterModelCallEvent {}
impl MayTransform for AfterModelCallEvent {}

impl Stage for BeforeToolCallEvent {
    const NAME: &'static str = "before_tool_call";
}
impl MayDeny for BeforeToolCallEvent {}
impl MayGuide for BeforeToolCallEvent {}
impl MayConfirm for BeforeToolCallEvent {
    type Question = question::Confirm;
}
impl MayTransform for BeforeToolCallEvent {}

impl Stage for ToolCallGuardEvent {
    const NAME: &'static str = "guard_tool_call";
}
impl MayDeny for ToolCallGuardEvent {}
impl MayConfirm for ToolCallGuardEvent {
    type Question = ApprovalRequest;
}

impl Stage for AfterToolCallEvent {
    const NAME: &'static str = "after_tool_call";
}
impl MayTransform for AfterToolCallEvent {}

/// Guidance where it stands for what does not happen.
fn instead(guidance: &str) -> String {
    format!("GUIDANCE: {guidance}")
}

impl Effects for BeforeInvocationEvent {
    const REFUSABLE: bool = true;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.before_invocation.as_ref()
    }

    fn refuse(&mut self, text: String) {
        self.cancel(text);
    }

    fn guide(&mut self, guidance: String) {
        self.cancel(instead(&guidance));
    }

    fn record(&mut self, decision: DecisionRecord) {
        self.record_decision(decision);
    }
}

impl Effects for BeforeModelCallEvent {
    const REFUSABLE: bool = true;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.before_model_call.as_ref()
    }

    fn refuse(&mut self, text: String) {
        self.cancel(text);
    }

    fn guide(&mut self, guidance: String) {
        self.add_guidance(guidance);
    }

    fn record(&mut self, decision: DecisionRecord) {
        self.record_decision(decision);
    }
}

impl Effects for AfterModelCallEvent {
    const ORDER: i32 = order::INTERVENTION_OUTPUT;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.after_model_call.as_ref()
    }

    fn guide(&mut self, guidance: String) {
        self.add_guidance(guidance);
        self.set_retry(true);
    }

    fn record(&mut self, decision: DecisionRecord) {
        self.record_decision(decision);
    }
}

impl Effects for BeforeToolCallEvent {
    const REFUSABLE: bool = true;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.before_tool_call.as_ref()
    }

    fn refuse(&mut self, text: String) {
        self.cancel_tool(text);
    }

    fn guide(&mut self, guidance: String) {
        self.cancel_tool(instead(&guidance));
    }

    fn about(&self, decision: DecisionRecord) -> DecisionRecord {
        decision.with_call(self.tool_use())
    }

    fn record(&mut self, decision: DecisionRecord) {
        self.record_decision(decision);
    }
}

impl Effects for ToolCallGuardEvent {
    const REFUSABLE: bool = true;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.guard_tool_call.as_ref()
    }

    fn refuse(&mut self, text: String) {
        self.cancel_tool(text);
    }

    fn is_over(&self) -> bool {
        // At the guard a refusal is final.
        *self.cancelled() != Cancel::No
    }

    fn about(&self, decision: DecisionRecord) -> DecisionRecord {
        decision.with_call(self.tool_use())
    }

    fn record(&mut self, decision: DecisionRecord) {
        self.record_decision(decision);
    }
}

impl Effects for AfterToolCallEvent {
    const ORDER: i32 = order::INTERVENTION_OUTPUT;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.after_tool_call.as_ref()
    }

    fn about(&self, decision: DecisionRecord) -> DecisionRecord {
        decision.with_call(self.tool_use())
    }

    fn record(&mut self, decision: DecisionRecord) {
        self.record_decision(decision);
    }
}
