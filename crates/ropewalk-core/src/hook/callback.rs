//! The shapes of callbacks, and how one `add_callback` takes them all.

use std::fmt;
use std::sync::Arc;

use crate::error::BoxError;
use crate::tool::BoxFuture;

/// What a callback gives: nothing, or why its step must not go on. `?` works on every error.
pub type HookResult = Result<(), BoxError>;

/// What a callback may return: nothing, or a result with any error.
pub trait IntoHookResult {
    /// Makes it a [`HookResult`].
    ///
    /// # Errors
    /// The callback's own.
    fn into_hook_result(self) -> HookResult;
}

impl IntoHookResult for () {
    fn into_hook_result(self) -> HookResult {
        Ok(())
    }
}

impl<E: Into<BoxError>> IntoHookResult for Result<(), E> {
    fn into_hook_result(self) -> HookResult {
        self.map_err(Into::into)
    }
}

/// A callback for events of type `E`, of whatever shape. Cheap to clone.
pub struct HookCallback<E> {
    name: &'static str,
    pub(super) shape: Shape<E>,
}

type Observe<E> = dyn Fn(&E) -> HookResult + Send + Sync;
type Change<E> = dyn Fn(&mut E) -> HookResult + Send + Sync;
type ObserveAsync<E> = dyn for<'a> Fn(&'a E) -> BoxFuture<'a, HookResult> + Send + Sync;
type ChangeAsync<E> = dyn for<'a> Fn(&'a mut E) -> BoxFuture<'a, HookResult> + Send + Sync;

pub(super) enum Shape<E> {
    Observe(Arc<Observe<E>>),
    Change(Arc<Change<E>>),
    ObserveAsync(Arc<ObserveAsync<E>>),
    ChangeAsync(Arc<ChangeAsync<E>>),
}

/// What a callback may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackKind {
    /// Only look. If it fails, that is reported, and nothing stops.
    Observer,
    /// Change the event, stop its step, ask. If it fails, the step stops.
    Changer,
}

impl<E> HookCallback<E> {
    fn new<F>(shape: Shape<E>) -> Self {
        Self { name: std::any::type_name::<F>(), shape }
    }

    /// The Rust name of the function, method or closure.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it may do.
    pub fn kind(&self) -> CallbackKind {
        match self.shape {
            Shape::Observe(_) | Shape::ObserveAsync(_) => CallbackKind::Observer,
            Shape::Change(_) | Shape::ChangeAsync(_) => CallbackKind::Changer,
        }
    }

    /// True if it must be awaited.
    pub fn is_async(&self) -> bool {
        matches!(self.shape, Shape::ObserveAsync(_) | Shape::ChangeAsync(_))
    }
}

impl<E> Clone for HookCallback<E> {
    fn clone(&self) -> Self {
        let shape = match &self.shape {
            Shape::Observe(call) => Shape::Observe(Arc::clone(call)),
            Shape::Change(call) => Shape::Change(Arc::clone(call)),
            Shape::ObserveAsync(call) => Shape::ObserveAsync(Arc::clone(call)),
            Shape::ChangeAsync(call) => Shape::ChangeAsync(Arc::clone(call)),
        };
        Self { name: self.name, shape }
    }
}

impl<E> fmt::Debug for HookCallback<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookCallback")
            .field("name", &self.name)
            .field("kind", &self.kind())
            .field("is_async", &self.is_async())
            .finish()
    }
}

/// What can be registered as a callback for `E`. The closure's or function's own signature says
/// what it may do; `Kind` is found by the compiler and never written.
///
/// | shape | may |
/// |---|---|
/// | `\|event: &E\|`, `fn(&E)` | look |
/// | `\|event: &mut E\|`, `fn(&mut E)` | look, change, stop, ask |
/// | `async fn(&E)`, `async \|event: &E\|` | look, and await |
/// | `async fn(&mut E)`, `async \|event: &mut E\|` | all of it |
/// | [`bind`]`(state, Type::method)` | the same, with a value of its own |
pub trait IntoCallback<E, Kind>: Send + Sync + 'static {
    /// Makes it one.
    fn into_callback(self) -> HookCallback<E>;
}

/// An async function or closure that looks at an event. Implemented by itself.
pub trait AsyncObserver<'a, E: 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, event: &'a E) -> Self::Future;
}

impl<'a, E: 'a, F, Fut> AsyncObserver<'a, E> for F
where
    F: Fn(&'a E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'a,
    Fut::Output: IntoHookResult,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, event: &'a E) -> Fut {
        self(event)
    }
}

/// An async function or closure that may change an event. Implemented by itself.
pub trait AsyncCallback<'a, E: 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, event: &'a mut E) -> Self::Future;
}

impl<'a, E: 'a, F, Fut> AsyncCallback<'a, E> for F
where
    F: Fn(&'a mut E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'a,
    Fut::Output: IntoHookResult,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, event: &'a mut E) -> Fut {
        self(event)
    }
}

/// An async method that may change an event. Implemented by itself.
pub trait AsyncMethod<'a, S: 'a, E: 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, state: &'a S, event: &'a mut E) -> Self::Future;
}

impl<'a, S: 'a, E: 'a, F, Fut> AsyncMethod<'a, S, E> for F
where
    F: Fn(&'a S, &'a mut E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'a,
    Fut::Output: IntoHookResult,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, state: &'a S, event: &'a mut E) -> Fut {
        self(state, event)
    }
}

/// An async method that looks at an event. Implemented by itself.
pub trait AsyncMethodObserver<'a, S: 'a, E: 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, state: &'a S, event: &'a E) -> Self::Future;
}

impl<'a, S: 'a, E: 'a, F, Fut> AsyncMethodObserver<'a, S, E> for F
where
    F: Fn(&'a S, &'a E) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'a,
    Fut::Output: IntoHookResult,
{
    type Output = Fut::Output;
    type Future = Fut;

    fn call(&self, state: &'a S, event: &'a E) -> Fut {
        self(state, event)
    }
}

/// A method together with the value it is called on; made by [`bind`].
#[derive(Debug)]
pub struct Bound<S, F> {
    state: Arc<S>,
    method: F,
}

/// Makes a callback of a method, sync or async, and the value it is called on.
///
/// ```
/// use std::sync::Arc;
/// use ropewalk_core::{BeforeToolCallEvent, HookRegistry, HookResult, bind};
///
/// struct Policy { forbidden: String }
///
/// impl Policy {
///     async fn check(&self, event: &mut BeforeToolCallEvent) -> HookResult {
///         if event.tool_use().name == self.forbidden {
///             event.cancel_tool("forbidden");
///         }
///         Ok(())
///     }
/// }
///
/// let policy = Arc::new(Policy { forbidden: "shell".into() });
/// let mut registry = HookRegistry::new();
/// registry.add_callback(bind(policy, Policy::check));
/// ```
pub fn bind<S, F>(state: impl Into<Arc<S>>, method: F) -> Bound<S, F> {
    Bound { state: state.into(), method }
}

/// Marks the shapes of [`IntoCallback`].
pub(crate) mod kinds {
    macro_rules! kinds {
        ($($name:ident),+) => { $(
            #[derive(Debug)]
            #[allow(unreachable_pub)]
            pub enum $name {}
        )+ };
    }
    kinds!(
        Observing,
        Changing,
        ObservingLater,
        ChangingLater,
        MethodChanging,
        MethodObserving,
        MethodLater,
        MethodObservingLater
    );
}

impl<E, F, R> IntoCallback<E, (kinds::Observing, R)> for F
where
    E: 'static,
    F: Fn(&E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        let call: Arc<Observe<E>> = Arc::new(move |event| self(event).into_hook_result());
        HookCallback::new::<F>(Shape::Observe(call))
    }
}

impl<E, F, R> IntoCallback<E, (kinds::Changing, R)> for F
where
    E: 'static,
    F: Fn(&mut E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        let call: Arc<Change<E>> = Arc::new(move |event| self(event).into_hook_result());
        HookCallback::new::<F>(Shape::Change(call))
    }
}

impl<E, F> IntoCallback<E, kinds::ObservingLater> for F
where
    E: 'static,
    F: for<'a> AsyncObserver<'a, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        let call: Arc<ObserveAsync<E>> = Arc::new(move |event| {
            let future = self.call(event);
            Box::pin(async move { future.await.into_hook_result() })
        });
        HookCallback::new::<F>(Shape::ObserveAsync(call))
    }
}

impl<E, F> IntoCallback<E, kinds::ChangingLater> for F
where
    E: 'static,
    F: for<'a> AsyncCallback<'a, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        let call: Arc<ChangeAsync<E>> = Arc::new(move |event| {
            let future = self.call(event);
            Box::pin(async move { future.await.into_hook_result() })
        });
        HookCallback::new::<F>(Shape::ChangeAsync(call))
    }
}

impl<E, S, F, R> IntoCallback<E, (kinds::MethodObserving, R)> for Bound<S, F>
where
    E: 'static,
    S: Send + Sync + 'static,
    F: Fn(&S, &E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        let Self { state, method } = self;
        let call: Arc<Observe<E>> = Arc::new(move |event| method(&state, event).into_hook_result());
        HookCallback::new::<F>(Shape::Observe(call))
    }
}

impl<E, S, F, R> IntoCallback<E, (kinds::MethodChanging, R)> for Bound<S, F>
where
    E: 'static,
    S: Send + Sync + 'static,
    F: Fn(&S, &mut E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        let Self { state, method } = self;
        let call: Arc<Change<E>> = Arc::new(move |event| method(&state, event).into_hook_result());
        HookCallback::new::<F>(Shape::Change(call))
    }
}

impl<E, S, F> IntoCallback<E, kinds::MethodLater> for Bound<S, F>
where
    E: Send + 'static,
    S: Send + Sync + 'static,
    F: for<'a> AsyncMethod<'a, S, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        let Self { state, method } = self;
        let method = Arc::new(method);
        let call: Arc<ChangeAsync<E>> = Arc::new(move |event| {
            let (state, method) = (Arc::clone(&state), Arc::clone(&method));
            Box::pin(async move { method.call(&state, event).await.into_hook_result() })
        });
        HookCallback::new::<F>(Shape::ChangeAsync(call))
    }
}

impl<E, S, F> IntoCallback<E, kinds::MethodObservingLater> for Bound<S, F>
where
    E: Sync + 'static,
    S: Send + Sync + 'static,
    F: for<'a> AsyncMethodObserver<'a, S, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        let Self { state, method } = self;
        let method = Arc::new(method);
        let call: Arc<ObserveAsync<E>> = Arc::new(move |event| {
            let (state, method) = (Arc::clone(&state), Arc::clone(&method));
            Box::pin(async move { method.call(&state, event).await.into_hook_result() })
        });
        HookCallback::new::<F>(Shape::ObserveAsync(call))
    }
}
