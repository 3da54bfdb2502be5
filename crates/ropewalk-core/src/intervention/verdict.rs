//! What an intervention says of an event.

use std::fmt;

use super::question::{Answer, Ask as _};
use super::stage::{MayConfirm, MayDeny, MayGuide, MayTransform};
use crate::error::BoxError;
use crate::hook::{HookResult, IntoHookResult};

/// What an [`Intervention`](super::Intervention) says of an event of type `E`, or why it can't.
pub type VerdictResult<E> = Result<Verdict<E>, BoxError>;

/// What an intervention says of an event of type `E` (Strands' `InterventionAction`).
///
/// An action that makes no sense for an event does not compile there: a tool that has run can't be
/// denied any more, and final arguments can't be transformed.
///
/// | | proceed, abstain | deny | guide | confirm | transform |
/// |---|---|---|---|---|---|
/// | `before_invocation` | yes | yes | yes | | yes |
/// | `before_model_call` | yes | yes | yes | | yes |
/// | `after_model_call` | yes | | yes | | yes |
/// | `before_tool_call` | yes | yes | yes | yes | yes |
/// | `guard_tool_call` | yes | yes | | yes | |
/// | `after_tool_call` | yes | | | | yes |
///
/// ```
/// use ropewalk_core::{BeforeToolCallEvent, Verdict};
///
/// fn judge(event: &BeforeToolCallEvent) -> Verdict<BeforeToolCallEvent> {
///     match event.tool_use().name.as_str() {
///         "shell" => Verdict::deny("no shell here"),
///         "delete" => Verdict::confirm("Really delete it?"),
///         _ => Verdict::proceed(),
///     }
/// }
/// ```
pub struct Verdict<E> {
    pub(super) action: Action<E>,
    pub(super) reason: Option<String>,
    pub(super) rule: Option<String>,
}

pub(super) enum Action<E> {
    Abstain,
    Proceed,
    Deny(String),
    Guide(String),
    Confirm(Question<E>),
    Transform(Transform<E>),
}

/// A question: what is asked, and how it is put under a name and for a rule.
pub(super) struct Question<E> {
    pub(super) prompt: String,
    pub(super) put: Put<E>,
}

type Put<E> = Box<dyn FnOnce(&mut E, &str, Option<&str>) -> Result<Answer, BoxError> + Send>;

pub(super) type Transform<E> = Box<dyn FnOnce(&mut E) -> HookResult + Send>;

impl<E> Verdict<E> {
    fn of(action: Action<E>) -> Self {
        Self { action, reason: None, rule: None }
    }

    /// It has no say here: the same as to proceed, but not on record.
    pub fn abstain() -> Self {
        Self::of(Action::Abstain)
    }

    /// It goes on.
    pub fn proceed() -> Self {
        Self::of(Action::Proceed)
    }

    /// It does not happen: the model, or the caller, is told `DENIED: <reason>`, and no other
    /// intervention is asked.
    pub fn deny(reason: impl Into<String>) -> Self
    where
        E: MayDeny,
    {
        Self::of(Action::Deny(reason.into()))
    }

    /// The model is told how to do better. What all interventions say is put together, a line each:
    /// `[name] feedback`.
    ///
    /// An invocation or a tool call does not happen then: `GUIDANCE: …`. Before a model call it
    /// becomes a message to the model. After a model call it does too, the answer is thrown away
    /// and the model is asked again; there is no bound, so whoever guides there must know when to
    /// stop.
    pub fn guide(feedback: impl Into<String>) -> Self
    where
        E: MayGuide,
    {
        Self::of(Action::Guide(feedback.into()))
    }

    /// A person must agree; the run waits until somebody answers. The question has the
    /// intervention's name.
    ///
    /// Before a tool call it is a text or a [`Confirm`](super::Confirm), and the text is the
    /// question's reason: `true`, `"y"` and `"yes"`, whatever their case, agree, and anything else
    /// refuses. It is about what the model wants: hooks after it may still change the arguments. At the
    /// guard it is a text or an [`ApprovalRequest`](crate::ApprovalRequest): the
    /// person sees the whole call, and the answer holds for this very call only. Who refuses, lets
    /// the model know: `CONFIRMATION_FAILED: <prompt>`.
    ///
    /// Nobody is asked if the call does not happen anyway, because an intervention before this one
    /// gave guidance or another guard refused.
    pub fn confirm(question: impl Into<E::Question>) -> Self
    where
        E: MayConfirm,
    {
        let question = question.into();
        let prompt = question.prompt().to_owned();
        let put: Put<E> = Box::new(move |event, name, rule| question.ask(event, name, rule));
        Self::of(Action::Confirm(Question { prompt, put }))
    }

    /// It goes on, changed: the closure gets the event and calls its setters. The interventions
    /// after this one see what it made. If the closure fails, the intervention has failed.
    pub fn transform<F, R>(change: F) -> Self
    where
        E: MayTransform,
        F: FnOnce(&mut E) -> R + Send + 'static,
        R: IntoHookResult,
    {
        Self::of(Action::Transform(Box::new(move |event| change(event).into_hook_result())))
    }

    /// Adds why, for the record of decisions; a denial's, a guidance's and a confirmation's own
    /// text stands there unless this is given.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds which rule decided, for the record of decisions.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// The verdict in one word: `abstain`, `proceed`, `deny`, `guide`, `confirm` or `transform`.
    pub fn kind(&self) -> &'static str {
        match self.action {
            Action::Abstain => "abstain",
            Action::Proceed => "proceed",
            Action::Deny(_) => "deny",
            Action::Guide(_) => "guide",
            Action::Confirm(_) => "confirm",
            Action::Transform(_) => "transform",
        }
    }

    /// Why: what was added by [`with_reason`](Self::with_reason), else the action's own text.
    pub fn reason(&self) -> Option<&str> {
        let own = match &self.action {
            Action::Deny(text) | Action::Guide(text) => Some(text.as_str()),
            Action::Confirm(question) => Some(question.prompt.as_str()),
            Action::Abstain | Action::Proceed | Action::Transform(_) => None,
        };
        self.reason.as_deref().or(own)
    }

    /// The rule that decided, if it was said.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }
}

impl<E> fmt::Debug for Verdict<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verdict")
            .field("kind", &self.kind())
            .field("reason", &self.reason())
            .field("rule", &self.rule)
            .finish()
    }
}

/// What a closure that judges may return: a verdict, or a result with any error. Implemented for
/// these.
pub trait IntoVerdict<E> {
    /// Makes it a [`VerdictResult`].
    ///
    /// # Errors
    /// The closure's own.
    fn into_verdict(self) -> VerdictResult<E>;
}

impl<E> IntoVerdict<E> for Verdict<E> {
    fn into_verdict(self) -> VerdictResult<E> {
        Ok(self)
    }
}

impl<E, X: Into<BoxError>> IntoVerdict<E> for Result<Verdict<E>, X> {
    fn into_verdict(self) -> VerdictResult<E> {
        self.map_err(Into::into)
    }
}
