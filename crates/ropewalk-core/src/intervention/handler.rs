//! A type that judges.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::policy::{Judge, OnError, Policy};
use super::verdict::{Verdict, VerdictResult};
use crate::hook::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, DEFAULT_TIMEOUT, ToolCallGuardEvent,
};

/// A policy with a state of its own (Strands' `InterventionHandler`): judges the stages whose
/// methods it writes, each an `async fn`. What it does not write is not subscribed to, and there is
/// no list of stages to keep in step with the methods.
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use ropewalk_core::{BeforeToolCallEvent, Intervention, Interventions, Verdict, VerdictResult};
///
/// struct Budget { left: AtomicU32 }
///
/// impl Intervention for Budget {
///     fn name(&self) -> &str {
///         "budget"
///     }
///
///     async fn before_tool_call(
///         &self,
///         _event: &BeforeToolCallEvent,
///     ) -> VerdictResult<BeforeToolCallEvent> {
///         let enough = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
///             left.checked_sub(1)
///         });
///         Ok(if enough.is_ok() { Verdict::proceed() } else { Verdict::deny("no calls left") })
///     }
/// }
///
/// let interventions = Interventions::new([Budget { left: AtomicU32::new(10) }])?;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
///
/// An error, a panic and a verdict that takes longer than [`timeout`](Self::timeout) count as a
/// failure: see [`on_error`](Self::on_error).
pub trait Intervention: Send + Sync + 'static {
    /// Who decides: stands in the model's texts and in the record of decisions, and names the
    /// questions it asks. Two of one name can't stand in one list.
    fn name(&self) -> &str;

    /// What follows when it can't judge. Asked once, when it becomes a policy.
    fn on_error(&self) -> OnError {
        OnError::Stop
    }

    /// How long it may take for one verdict. Asked once, when it becomes a policy.
    fn timeout(&self) -> Duration {
        DEFAULT_TIMEOUT
    }

    /// Judges an invocation before it begins.
    fn before_invocation(
        &self,
        event: &BeforeInvocationEvent,
    ) -> impl Future<Output = VerdictResult<BeforeInvocationEvent>> + Send {
        not_written(event)
    }

    /// Judges a model call before it is made, once for each attempt.
    fn before_model_call(
        &self,
        event: &BeforeModelCallEvent,
    ) -> impl Future<Output = VerdictResult<BeforeModelCallEvent>> + Send {
        not_written(event)
    }

    /// Judges what the model answered, or that it failed.
    fn after_model_call(
        &self,
        event: &AfterModelCallEvent,
    ) -> impl Future<Output = VerdictResult<AfterModelCallEvent>> + Send {
        not_written(event)
    }

    /// Judges a tool call before it is made, and may change it. So may hooks after it: what must see
    /// the final arguments stands in [`guard_tool_call`](Self::guard_tool_call).
    fn before_tool_call(
        &self,
        event: &BeforeToolCallEvent,
    ) -> impl Future<Output = VerdictResult<BeforeToolCallEvent>> + Send {
        not_written(event)
    }

    /// Judges a tool call with the arguments that it will be made with: nothing can change them any
    /// more.
    fn guard_tool_call(
        &self,
        event: &ToolCallGuardEvent,
    ) -> impl Future<Output = VerdictResult<ToolCallGuardEvent>> + Send {
        not_written(event)
    }

    /// Judges what a tool gave.
    fn after_tool_call(
        &self,
        event: &AfterToolCallEvent,
    ) -> impl Future<Output = VerdictResult<AfterToolCallEvent>> + Send {
        not_written(event)
    }
}

impl<I: Intervention> From<I> for Policy {
    fn from(intervention: I) -> Self {
        let intervention = Arc::new(intervention);
        let mut policy = Self::named(intervention.name())
            .on_error(intervention.on_error())
            .timeout(intervention.timeout());
        /// The handler of one stage, if its method was written.
        macro_rules! judge {
            ($method:ident) => {
                if is_written(I::$method) {
                    let intervention = Arc::clone(&intervention);
                    let judge: Judge<_> = Arc::new(move |event| {
                        let intervention = Arc::clone(&intervention);
                        Box::pin(async move { intervention.$method(event).await })
                    });
                    policy.$method = Some(judge);
                }
            };
        }
        judge!(before_invocation);
        judge!(before_model_call);
        judge!(after_model_call);
        judge!(before_tool_call);
        judge!(guard_tool_call);
        judge!(after_tool_call);
        policy
    }
}

/// What the methods give that nobody has written. Rust can't say whether a default method was
/// replaced, but the type of its future can be told from all others: it is empty, and nothing else
/// that is empty is aligned like this.
#[repr(align(8192))]
struct NotWritten<E>(PhantomData<fn() -> E>);

fn not_written<E>(_event: &E) -> NotWritten<E> {
    NotWritten(PhantomData)
}

impl<E> Future for NotWritten<E> {
    type Output = VerdictResult<E>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(Verdict::proceed()))
    }
}

/// True unless a method gives [`NotWritten`].
fn is_written<'a, I: 'a, E: 'a, F>(_method: fn(&'a I, &'a E) -> F) -> bool {
    size_of::<F>() != 0 || align_of::<F>() != align_of::<NotWritten<E>>()
}
