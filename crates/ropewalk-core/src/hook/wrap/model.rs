//! Code around a model call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Inside, named};
use crate::error::BoxError;
use crate::hook::{Bound, DEFAULT_TIMEOUT};
use crate::interrupt::InterruptScope;
use crate::model::{Model, ModelRequest, ModelTurn};
use crate::tool::BoxFuture;
use crate::view::{AgentView, InvocationState};

/// Code around a model call: caching, fallback, rate limits, timing. An `async fn` or async closure
/// of these two arguments is one; with a state of its own it is an async method and
/// [`bind`](crate::bind()), or a type that implements this.
///
/// It runs within the `BeforeModelCall` and `AfterModelCall` hooks of the call; the one that was
/// added first is the outermost. It may change the request, call `next` once, not at all (its answer
/// then stands in place of the model's) or again, ask another model, and change the answer.
///
/// ```
/// use std::sync::Arc;
/// use ropewalk_core::{BoxError, Model, ModelCallRequest, ModelNext, ModelTurn, WrapModelCall, BoxFuture};
///
/// /// Asks another model when the first one fails.
/// struct Fallback(Arc<dyn Model>);
///
/// impl WrapModelCall for Fallback {
///     fn wrap<'a>(
///         &'a self,
///         request: ModelCallRequest,
///         next: ModelNext<'a>,
///     ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
///         Box::pin(async move {
///             match next.run(request.clone()).await {
///                 Ok(turn) => Ok(turn),
///                 Err(_) => next.run_on(Arc::clone(&self.0), request).await,
///             }
///         })
///     }
/// }
/// ```
pub trait WrapModelCall: Send + Sync + 'static {
    /// Asks the model, or answers in its place.
    ///
    /// # Errors
    /// What `next` gave as an error (pass it on or try something else), a question, or a failure of
    /// its own.
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>>;

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

/// An async function or closure around a model call. Implemented by itself.
pub trait AsyncModelWrap<'a>: Send + Sync + 'static {
    /// Its future.
    type Future: Future<Output = Result<ModelTurn, BoxError>> + Send + 'a;

    /// Calls it.
    fn call(&self, request: ModelCallRequest, next: ModelNext<'a>) -> Self::Future;
}

impl<'a, F, Fut> AsyncModelWrap<'a> for F
where
    F: Fn(ModelCallRequest, ModelNext<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ModelTurn, BoxError>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, request: ModelCallRequest, next: ModelNext<'a>) -> Fut {
        self(request, next)
    }
}

impl<F: for<'a> AsyncModelWrap<'a>> WrapModelCall for F {
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
        Box::pin(self.call(request, next))
    }
}

/// An async method around a model call, for [`bind`](crate::bind()). Implemented by itself.
pub trait AsyncModelWrapMethod<'a, S: 'a>: Send + Sync + 'static {
    /// Its future.
    type Future: Future<Output = Result<ModelTurn, BoxError>> + Send + 'a;

    /// Calls it.
    fn call(&self, state: &'a S, request: ModelCallRequest, next: ModelNext<'a>) -> Self::Future;
}

impl<'a, S: 'a, F, Fut> AsyncModelWrapMethod<'a, S> for F
where
    F: Fn(&'a S, ModelCallRequest, ModelNext<'a>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ModelTurn, BoxError>> + Send + 'a,
{
    type Future = Fut;

    fn call(&self, state: &'a S, request: ModelCallRequest, next: ModelNext<'a>) -> Fut {
        self(state, request, next)
    }
}

impl<S, F> WrapModelCall for Bound<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> AsyncModelWrapMethod<'a, S>,
{
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
        Box::pin(self.method().call(self.state(), request, next))
    }

    fn name(&self) -> &str {
        std::any::type_name::<F>()
    }
}

/// A model call that is about to be made. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ModelCallRequest {
    /// What the model will be asked. May be changed.
    pub request: ModelRequest,
    agent: AgentView,
    state: InvocationState,
    scope: InterruptScope,
}

impl ModelCallRequest {
    pub(crate) fn new(
        request: ModelRequest,
        agent: AgentView,
        state: InvocationState,
        scope: InterruptScope,
    ) -> Self {
        Self { request, agent, state, scope }
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
}

/// What the innermost wrap hook calls.
pub(crate) trait ModelBase: Send + Sync {
    /// Asks a model; the agent's own, if none is given.
    fn run(
        &self,
        model: Option<Arc<dyn Model>>,
        request: ModelRequest,
    ) -> BoxFuture<'_, Result<ModelTurn, BoxError>>;
}

/// The rest of a model call: the wrap hooks further in, and the model.
#[derive(Clone, Copy)]
pub struct ModelNext<'a> {
    rest: &'a [Arc<dyn WrapModelCall>],
    base: &'a dyn ModelBase,
    /// Says that it is awaited, to the clock of the hook that has it.
    inside: Option<&'a Inside>,
}

impl<'a> ModelNext<'a> {
    pub(crate) fn new(rest: &'a [Arc<dyn WrapModelCall>], base: &'a dyn ModelBase) -> Self {
        Self { rest, base, inside: None }
    }

    /// Asks the model. What it streams goes to whoever listens; it can't be taken back.
    ///
    /// # Errors
    /// The model's own (an [`Error`](crate::Error)), or that of a wrap hook further in.
    pub async fn run(self, mut request: ModelCallRequest) -> Result<ModelTurn, BoxError> {
        let _awaited = self.inside.map(Inside::enter);
        match self.rest.split_first() {
            Some((wrap, rest)) => {
                let inside = Inside::default();
                let next = ModelNext { rest, base: self.base, inside: Some(&inside) };
                request.scope = request.scope.layered(self.rest.len());
                let time = (wrap.timeout(), &inside);
                // Called when polled: what makes a future may panic as well as the future.
                named(
                    (wrap.name(), "a model call"),
                    time,
                    async move { wrap.wrap(request, next).await },
                )
                .await
            }
            None => self.base.run(None, request.request).await,
        }
    }

    /// Asks another model in place of the agent's; the wrap hooks further in are passed by.
    ///
    /// # Errors
    /// The model's own (an [`Error`](crate::Error)).
    pub async fn run_on(
        self,
        model: Arc<dyn Model>,
        request: ModelCallRequest,
    ) -> Result<ModelTurn, BoxError> {
        let _awaited = self.inside.map(Inside::enter);
        self.base.run(Some(model), request.request).await
    }
}

impl fmt::Debug for ModelNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelNext").field("wraps", &self.rest.len()).finish_non_exhaustive()
    }
}
