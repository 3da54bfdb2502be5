//! An invocation that gives a typed value.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;

use super::{AgentStream, Invocation};
use crate::output::{Output, OutputError, StructuredOutput};
use crate::tool::BoxFuture;

/// An invocation that gives a `T`; made by [`Agent::invoke_as`](super::Agent::invoke_as),
/// [`Agent::resume_as`](super::Agent::resume_as) and [`Invocation::output`]. Awaited, it gives the value;
/// [`with_result`](Self::with_result) gives what came with it too.
#[must_use = "an invocation does nothing before it is awaited or streamed"]
pub struct StructuredInvocation<'agent, T> {
    invocation: Invocation<'agent>,
    gives: PhantomData<fn() -> T>,
}

impl<'agent, T: StructuredOutput> StructuredInvocation<'agent, T> {
    pub(super) fn of(invocation: Invocation<'agent>) -> Self {
        Self { invocation, gives: PhantomData }
    }

    /// The value, and the result with its message, usage and stop reason.
    ///
    /// # Errors
    /// As for [`Agent::invoke_as`](super::Agent::invoke_as).
    pub async fn with_result(self) -> Result<Output<T>, OutputError> {
        let result = self.invocation.await?;
        if result.structured_output.is_none() || result.interrupts().is_some() {
            return Err(OutputError::without_value(result));
        }
        match result.output() {
            Ok(value) => Ok(Output::new(value, result)),
            Err(error) => Err(OutputError::unfit(error, result)),
        }
    }

    /// Gives each event as it happens. The value so far comes as
    /// [`AgentEvent::StructuredOutputStream`](super::AgentEvent::StructuredOutputStream), the whole one
    /// as [`AgentEvent::StructuredOutput`](super::AgentEvent::StructuredOutput), and the last event is the
    /// result ([`AgentResult::output`](crate::AgentResult::output)).
    pub fn stream(self) -> AgentStream<'agent> {
        self.invocation.stream()
    }
}

impl<'agent, T: StructuredOutput> IntoFuture for StructuredInvocation<'agent, T> {
    type Output = Result<T, OutputError>;
    type IntoFuture = BoxFuture<'agent, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.with_result().await.map(|output| output.value) })
    }
}

impl<T> fmt::Debug for StructuredInvocation<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StructuredInvocation").field(&self.invocation).finish()
    }
}
