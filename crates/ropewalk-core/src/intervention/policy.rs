//! A policy, ready to be used: made of closures, or of a type that is an `Intervention`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::stage::Stage;
use super::verdict::{IntoVerdict, VerdictResult};
use crate::hook::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, DEFAULT_TIMEOUT, ToolCallGuardEvent,
};
use crate::tool::BoxFuture;

/// What follows when a policy can't judge: it gave an error, panicked, or took too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnError {
    /// The step stops with an error (Strands' `throw`).
    #[default]
    Stop,
    /// As if it had been denied. Where nothing can be denied any more, the step stops.
    Deny,
    /// As if it had said nothing. Only for policies that protect nothing: whoever can make one fail
    /// gets past it.
    Proceed,
}

/// A policy with a name: one handler for each stage it cares about, and what happens when it fails.
///
/// Small policies are made of closures, sync or async: what is given here is subscribed to. For those
/// with a state of their own there is [`Intervention`](super::Intervention); by [`From`] it becomes a
/// policy, so that different ones fit into one list.
///
/// ```
/// use ropewalk_core::{BeforeInvocationEvent, OnError, Policy, ToolCallGuardEvent, Verdict};
///
/// let policy = Policy::named("house rules")
///     .on_error(OnError::Deny)
///     .before_invocation(async |event: &BeforeInvocationEvent| {
///         let long = event.messages().iter().any(|message| message.text().len() > 10_000);
///         if long { Verdict::deny("too long a question") } else { Verdict::proceed() }
///     })
///     .guard_tool_call(|event: &ToolCallGuardEvent| match event.tool_use().name.as_str() {
///         "shell" => Verdict::confirm("May it run a command?"),
///         _ => Verdict::proceed(),
///     });
/// assert_eq!(policy.name(), "house rules");
/// ```
#[derive(Clone)]
pub struct Policy {
    name: Arc<str>,
    on_error: OnError,
    timeout: Duration,
    pub(super) before_invocation: Option<Judge<BeforeInvocationEvent>>,
    pub(super) before_model_call: Option<Judge<BeforeModelCallEvent>>,
    pub(super) after_model_call: Option<Judge<AfterModelCallEvent>>,
    pub(super) before_tool_call: Option<Judge<BeforeToolCallEvent>>,
    pub(super) guard_tool_call: Option<Judge<ToolCallGuardEvent>>,
    pub(super) after_tool_call: Option<Judge<AfterToolCallEvent>>,
}

impl Policy {
    /// A policy that says nothing yet. The name says who decided, in the model's texts and in the
    /// record of decisions, and names the questions that the policy asks.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: Arc::from(name.into()),
            on_error: OnError::default(),
            timeout: DEFAULT_TIMEOUT,
            before_invocation: None,
            before_model_call: None,
            after_model_call: None,
            before_tool_call: None,
            guard_tool_call: None,
            after_tool_call: None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What follows when it can't judge. Unless set, the step stops.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// How long it may take for one verdict; longer is an error. Unless set: [`DEFAULT_TIMEOUT`].
    /// The clock is tokio's: outside a tokio runtime nothing is timed. What is not async can't be
    /// left before it returns.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Judges invocations before they begin. A second one takes the place of the first, as for all
    /// stages.
    #[must_use]
    pub fn before_invocation<Kind>(
        mut self,
        judge: impl IntoJudge<BeforeInvocationEvent, Kind>,
    ) -> Self {
        self.before_invocation = Some(judge.into_judge());
        self
    }

    /// Judges model calls before they are made, once for each attempt.
    #[must_use]
    pub fn before_model_call<Kind>(
        mut self,
        judge: impl IntoJudge<BeforeModelCallEvent, Kind>,
    ) -> Self {
        self.before_model_call = Some(judge.into_judge());
        self
    }

    /// Judges what the model answered, or that it failed.
    #[must_use]
    pub fn after_model_call<Kind>(
        mut self,
        judge: impl IntoJudge<AfterModelCallEvent, Kind>,
    ) -> Self {
        self.after_model_call = Some(judge.into_judge());
        self
    }

    /// Judges tool calls before they are made, and may change them. So may hooks after it: what must
    /// see the final arguments stands at the [guard](Self::guard_tool_call).
    #[must_use]
    pub fn before_tool_call<Kind>(
        mut self,
        judge: impl IntoJudge<BeforeToolCallEvent, Kind>,
    ) -> Self {
        self.before_tool_call = Some(judge.into_judge());
        self
    }

    /// Judges tool calls with the arguments that they will be made with: nothing can change them any
    /// more.
    #[must_use]
    pub fn guard_tool_call<Kind>(
        mut self,
        judge: impl IntoJudge<ToolCallGuardEvent, Kind>,
    ) -> Self {
        self.guard_tool_call = Some(judge.into_judge());
        self
    }

    /// Judges what a tool gave.
    #[must_use]
    pub fn after_tool_call<Kind>(
        mut self,
        judge: impl IntoJudge<AfterToolCallEvent, Kind>,
    ) -> Self {
        self.after_tool_call = Some(judge.into_judge());
        self
    }

    pub(super) fn failing(&self) -> OnError {
        self.on_error
    }

    pub(super) fn limit(&self) -> Duration {
        self.timeout
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn name<E: Stage>(policy: &Policy) -> Option<&'static str> {
            E::judge(policy).map(|_| E::NAME)
        }
        let stages = [
            name::<BeforeInvocationEvent>(self),
            name::<BeforeModelCallEvent>(self),
            name::<AfterModelCallEvent>(self),
            name::<BeforeToolCallEvent>(self),
            name::<ToolCallGuardEvent>(self),
            name::<AfterToolCallEvent>(self),
        ];
        f.debug_struct("Policy")
            .field("name", &self.name)
            .field("on_error", &self.on_error)
            .field("timeout", &self.timeout)
            .field("stages", &stages.into_iter().flatten().collect::<Vec<_>>())
            .finish()
    }
}

/// A handler for one stage, whatever it was made of.
pub(super) type Judge<E> =
    Arc<dyn for<'a> Fn(&'a E) -> BoxFuture<'a, VerdictResult<E>> + Send + Sync>;

/// A closure or function that judges events of type `E`: `|event: &E|` or `async |event: &E|`. It
/// gives a verdict, or a result with one. `Kind` is found by the compiler and never written.
pub trait IntoJudge<E, Kind>: sealed::Judging<E, Kind> {}

impl<E, Kind, F: sealed::Judging<E, Kind>> IntoJudge<E, Kind> for F {}

/// An async function or closure that judges an event. Implemented by itself.
pub trait AsyncJudge<'a, E: 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoVerdict<E>;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, event: &'a E) -> Self::Future;
}

impl<'a, E: 'a, F, Fut> AsyncJudge<'a, E> for F
where
    F: Fn(&'a E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'a,
    Fut::Output: IntoVerdict<E>,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, event: &'a E) -> Fut {
        self(event)
    }
}

/// Makes handlers of closures.
mod sealed {
    use super::{Arc, AsyncJudge, IntoVerdict, Judge};

    #[derive(Debug)]
    #[allow(unreachable_pub)]
    pub enum Now {}

    #[derive(Debug)]
    #[allow(unreachable_pub)]
    pub enum Later {}

    #[allow(unreachable_pub)]
    pub trait Judging<E, Kind>: Send + Sync + 'static {
        fn into_judge(self) -> Judge<E>;
    }

    impl<E, F, R> Judging<E, (Now, R)> for F
    where
        E: Sync + 'static,
        F: Fn(&E) -> R + Send + Sync + 'static,
        R: IntoVerdict<E>,
    {
        fn into_judge(self) -> Judge<E> {
            let closure = Arc::new(self);
            Arc::new(move |event| {
                let closure = Arc::clone(&closure);
                // Called when polled: whoever polls catches what it may panic with.
                Box::pin(async move { closure(event).into_verdict() })
            })
        }
    }

    impl<E, F> Judging<E, Later> for F
    where
        E: Sync + 'static,
        F: for<'a> AsyncJudge<'a, E>,
    {
        fn into_judge(self) -> Judge<E> {
            let closure = Arc::new(self);
            Arc::new(move |event| {
                let closure = Arc::clone(&closure);
                Box::pin(async move { closure.call(event).await.into_verdict() })
            })
        }
    }
}
