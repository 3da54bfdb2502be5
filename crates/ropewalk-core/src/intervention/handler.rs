//! A type that judges.

use std::sync::Arc;
use std::time::Duration;

use super::policy::{Judge, OnError, Policy};
use super::verdict::{Verdict, VerdictResult};
use crate::hook::{
    AfterModelCallEvent, AfterToolCallEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, DEFAULT_TIMEOUT, ToolCallGuardEvent,
};

/// A policy with a state of its own (Strands' `InterventionHandler`): judges the stages whose
/// methods it writes, each an `async fn`. At the others it abstains: nothing of it is on record there.
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
        let _ = event;
        std::future::ready(Ok(Verdict::abstain()))
    }

    /// Judges a model call before it is made, once for each attempt.
    fn before_model_call(
        &self,
        event: &BeforeModelCallEvent,
    ) -> impl Future<Output = VerdictResult<BeforeModelCallEvent>> + Send {
        let _ = event;
        std::future::ready(Ok(Verdict::abstain()))
    }

    /// Judges what the model answered, or that it failed.
    fn after_model_call(
        &self,
        event: &AfterModelCallEvent,
    ) -> impl Future<Output = VerdictResult<AfterModelCallEvent>> + Send {
        let _ = event;
        std::future::ready(Ok(Verdict::abstain()))
    }

    /// Judges a tool call before it is made, and may change it. So may hooks after it: what must see
    /// the final arguments stands in [`guard_tool_call`](Self::guard_tool_call).
    fn before_tool_call(
        &self,
        event: &BeforeToolCallEvent,
    ) -> impl Future<Output = VerdictResult<BeforeToolCallEvent>> + Send {
        let _ = event;
        std::future::ready(Ok(Verdict::abstain()))
    }

    /// Judges a tool call with the arguments that it will be made with: nothing can change them any
    /// more.
    fn guard_tool_call(
        &self,
        event: &ToolCallGuardEvent,
    ) -> impl Future<Output = VerdictResult<ToolCallGuardEvent>> + Send {
        let _ = event;
        std::future::ready(Ok(Verdict::abstain()))
    }

    /// Judges what a tool gave.
    fn after_tool_call(
        &self,
        event: &AfterToolCallEvent,
    ) -> impl Future<Output = VerdictResult<AfterToolCallEvent>> + Send {
        let _ = event;
        std::future::ready(Ok(Verdict::abstain()))
    }
}

impl<I: Intervention> From<I> for Policy {
    fn from(intervention: I) -> Self {
        let intervention = Arc::new(intervention);
        let mut policy = Self::named(intervention.name())
            .on_error(intervention.on_error())
            .timeout(intervention.timeout());
        macro_rules! judge {
            ($method:ident) => {
                let judging = Arc::clone(&intervention);
                let judge: Judge<_> = Arc::new(move |event| {
                    let judging = Arc::clone(&judging);
                    Box::pin(async move { judging.$method(event).await })
                });
                policy.$method = Some(judge);
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
