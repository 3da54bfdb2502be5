//! Code around a tool call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Inside, named};
use crate::error::BoxError;
use crate::hook::{Bound, DEFAULT_TIMEOUT};
use crate::interrupt::InterruptScope;
use crate::message::{ToolResult, ToolUse};
use crate::tool::{BoxFuture, Tool};
use crate::view::{AgentView, InvocationState};

/// Code around a tool call: caching, fallback, rate limits, timing. An `async fn` or async closure
/// of these two arguments is one; with a state of its own it is an async method and
/// [`bind`](crate::bind()), or a type that implements this.
///
/// It runs within the `BeforeToolCall` and `AfterToolCall` hooks of the call and around its guards:
/// whatever it makes of the request is what [`ToolCallGuardEvent`](crate::ToolCallGuardEvent) sees.
/// The one that was added first is the outermost. It may change the request, call `next` once, not at
/// all (its result then stands in place of the tool's) or again, and change the result. An error
/// stops the step: a tool that fails gives an error *result* instead.
///
/// ```
/// use ropewalk_core::{BoxError, HookRegistry, ToolCallRequest, ToolNext, ToolResult};
///
/// async fn timed(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
///     let (name, started) = (request.tool_use().name.clone(), std::time::Instant::now());
///     let result = next.run(request).await?;
///     println!("{name} took {:?}", started.elapsed());
///     Ok(result)
/// }
///
/// let mut registry = HookRegistry::new();
/// registry.wrap_tool_call(timed);
/// ```
pub trait WrapToolCall: Send + Sync + 'static {
    /// Makes the call, or something in its place.
    ///
    /// # Errors
    /// What `next` gave as an error (pass it on), a question, or a failure of its own: each stops
    /// the step.
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>>;

    /// What it is called in errors and in the printed pipeline.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// How long it may take itself, what it calls with `next` not counted; none: as long as it likes.
    /// After that it is dropped and has failed. [`limited`](crate::limited) sets it for functions.
    fn timeout(&self) -> Option<Duration> {
        Some(DEFAULT_TIMEOUT)
    }
}

/// An async function or closure around a tool call. Implemented by itself.
pub trait AsyncToolWrap<'a>: Send + Sync + 'static {
    /// Its future.
    type Future: Future<Output = Result<ToolResult, BoxError>> + Send + 'a;

    /// Calls it.
    fn call(&self, request: ToolCallRequest, next: ToolNext<'a>) -> Self::Future;
}

impl<'a, F, Fut> AsyncToolWrap<'a> for F
where
    F: Fn(ToolCallRequest, ToolNext<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ToolResult, BoxError>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, request: ToolCallRequest, next: ToolNext<'a>) -> Fut {
        self(request, next)
    }
}

impl<F: for<'a> AsyncToolWrap<'a>> WrapToolCall for F {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(self.call(request, next))
    }
}

/// An async method around a tool call, for [`bind`](crate::bind()). Implemented by itself.
pub trait AsyncToolWrapMethod<'a, S: 'a>: Send + Sync + 'static {
    /// Its future.
    type Future: Future<Output = Result<ToolResult, BoxError>> + Send + 'a;

    /// Calls it.
    fn call(&self, state: &'a S, request: ToolCallRequest, next: ToolNext<'a>) -> Self::Future;
}

impl<'a, S: 'a, F, Fut> AsyncToolWrapMethod<'a, S> for F
where
    F: Fn(&'a S, ToolCallRequest, ToolNext<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ToolResult, BoxError>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, state: &'a S, request: ToolCallRequest, next: ToolNext<'a>) -> Fut {
        self(state, request, next)
    }
}

impl<S, F> WrapToolCall for Bound<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> AsyncToolWrapMethod<'a, S>,
{
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        Box::pin(self.method().call(self.state(), request, next))
    }

    fn name(&self) -> &str {
        std::any::type_name::<F>()
    }
}

/// A tool call that is about to be made.
#[derive(Clone)]
pub struct ToolCallRequest {
    tool: Arc<dyn Tool>,
    tool_use: Arc<ToolUse>,
    agent: AgentView,
    state: InvocationState,
    scope: InterruptScope,
}

impl ToolCallRequest {
    pub(crate) fn new(
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        agent: AgentView,
        state: InvocationState,
        scope: InterruptScope,
    ) -> Self {
        Self { tool, tool_use, agent, state, scope }
    }

    /// The tool.
    pub fn tool(&self) -> &Arc<dyn Tool> {
        &self.tool
    }

    /// Lets another tool run in its place.
    pub fn set_tool(&mut self, tool: Arc<dyn Tool>) {
        self.tool = tool;
    }

    /// What it is asked.
    pub fn tool_use(&self) -> &ToolUse {
        &self.tool_use
    }

    /// Changes the arguments.
    pub fn set_input(&mut self, input: Value) {
        Arc::make_mut(&mut self.tool_use).input = input;
    }

    /// The agent at this moment.
    pub fn agent(&self) -> &AgentView {
        &self.agent
    }

    /// What the caller handed to the invocation.
    pub fn invocation_state(&self) -> &InvocationState {
        &self.state
    }

    /// Puts a question to a person: gives the answer if there is one, else leaves through `?`.
    ///
    /// # Errors
    /// As for [`InterruptScope::ask`].
    pub fn interrupt<A: DeserializeOwned>(
        &self,
        name: &str,
        reason: impl Serialize,
    ) -> Result<A, BoxError> {
        self.scope.ask(name, reason)
    }

    pub(crate) fn into_parts(self) -> (Arc<dyn Tool>, Arc<ToolUse>) {
        (self.tool, self.tool_use)
    }
}

impl fmt::Debug for ToolCallRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolCallRequest")
            .field("tool", &self.tool.spec().name)
            .field("tool_use", &self.tool_use)
            .finish_non_exhaustive()
    }
}

/// What the innermost wrap hook calls.
pub(crate) trait ToolBase: Send + Sync {
    /// Guards, claim, effect.
    fn run(&self, request: ToolCallRequest) -> BoxFuture<'_, Result<ToolResult, BoxError>>;
}

/// The rest of a tool call: the wrap hooks further in, the guards and the tool.
#[derive(Clone, Copy)]
pub struct ToolNext<'a> {
    rest: &'a [Arc<dyn WrapToolCall>],
    base: &'a dyn ToolBase,
    /// Says that it is awaited, to the clock of the hook that has it.
    inside: Option<&'a Inside>,
}

impl<'a> ToolNext<'a> {
    pub(crate) fn new(rest: &'a [Arc<dyn WrapToolCall>], base: &'a dyn ToolBase) -> Self {
        Self { rest, base, inside: None }
    }

    /// Makes the call. It may be called again: then the call is made again, under the same
    /// idempotency key.
    ///
    /// # Errors
    /// The step has to stop: a question was asked, a guard failed, the journal could not be written.
    /// Pass it on; even if it is not, the step stops.
    pub async fn run(self, mut request: ToolCallRequest) -> Result<ToolResult, BoxError> {
        let _awaited = self.inside.map(Inside::enter);
        match self.rest.split_first() {
            Some((wrap, rest)) => {
                let inside = Inside::default();
                let next = ToolNext { rest, base: self.base, inside: Some(&inside) };
                request.scope = request.scope.layered(self.rest.len());
                let time = (wrap.timeout(), &inside);
                // Called when polled: what makes a future may panic as well as the future.
                named(
                    (wrap.name(), "a tool call"),
                    time,
                    async move { wrap.wrap(request, next).await },
                )
                .await
            }
            None => self.base.run(request).await,
        }
    }
}

impl fmt::Debug for ToolNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolNext").field("wraps", &self.rest.len()).finish_non_exhaustive()
    }
}
