//! The events that interventions judge, and what each action does to them.

use serde_json::Value;

use super::policy::{Judge, Policy};
use super::verdict::Confirm;
use crate::error::BoxError;
use crate::hook::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, HookEvent,
};

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
    note = "guidance can be given before an invocation or a tool call"
)]
pub trait MayGuide: Stage {}

/// An event at which a person can be asked: [`Verdict::confirm`](super::Verdict::confirm).
#[diagnostic::on_unimplemented(
    message = "nobody can be asked to confirm `{Self}`",
    note = "what can be confirmed: a tool call, before it happens"
)]
pub trait MayConfirm: Stage {}

/// An event that can be changed: [`Verdict::transform`](super::Verdict::transform).
#[diagnostic::on_unimplemented(message = "`{Self}` can't be transformed")]
pub trait MayTransform: Stage {}

/// What the actions do. The methods of actions that an event does not have are never called: no such
/// verdict can be made.
pub(super) mod sealed {
    use super::{BoxError, Confirm, Judge, Policy, Value};

    #[allow(unreachable_pub)]
    pub trait Effects: Sized {
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

        /// The answer to a question, if there is one.
        fn ask(&mut self, name: &str, confirm: &Confirm) -> Result<Value, BoxError> {
            Err(format!("`{name}` can't ask `{}` here", confirm.prompt).into())
        }
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
impl MayTransform for BeforeModelCallEvent {}

impl Stage for AfterModelCallEvent {
    const NAME: &'static str = "after_model_call";
}
impl MayTransform for AfterModelCallEvent {}

impl Stage for BeforeToolCallEvent {
    const NAME: &'static str = "before_tool_call";
}
impl MayDeny for BeforeToolCallEvent {}
impl MayGuide for BeforeToolCallEvent {}
impl MayConfirm for BeforeToolCallEvent {}
impl MayTransform for BeforeToolCallEvent {}

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
}

impl Effects for BeforeModelCallEvent {
    const REFUSABLE: bool = true;

    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.before_model_call.as_ref()
    }

    fn refuse(&mut self, text: String) {
        self.cancel(text);
    }
}

impl Effects for AfterModelCallEvent {
    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.after_model_call.as_ref()
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

    fn ask(&mut self, name: &str, confirm: &Confirm) -> Result<Value, BoxError> {
        let prompt = confirm.prompt.as_str().into();
        self.interrupt_with(name, prompt, confirm.response.clone())
    }
}

impl Effects for AfterToolCallEvent {
    fn judge(policy: &Policy) -> Option<&Judge<Self>> {
        policy.after_tool_call.as_ref()
    }
}
