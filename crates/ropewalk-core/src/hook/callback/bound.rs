//! Methods as callbacks.

use std::sync::Arc;

use super::CallbackKind::{Changer, Observer};
use super::kinds;
use super::{
    AsyncMethod, AsyncMethodObserver, HookCallback, IntoCallback, IntoHookResult, Started,
};
use crate::hook::ErasedEvent;

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

impl<S, F> Bound<S, F> {
    pub(in crate::hook) fn state(&self) -> &S {
        &self.state
    }

    pub(in crate::hook) fn method(&self) -> &F {
        &self.method
    }
}

impl<E, S, F, R> IntoCallback<E, (kinds::MethodObserving, R)> for Bound<S, F>
where
    E: ?Sized + 'static,
    S: Send + Sync + 'static,
    F: Fn(&S, &E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        let Self { state, method } = self;
        HookCallback::now::<F>(Observer, move |event| method(&state, &*event).into_hook_result())
    }
}

impl<E, S, F, R> IntoCallback<E, (kinds::MethodChanging, R)> for Bound<S, F>
where
    E: ErasedEvent + ?Sized + 'static,
    S: Send + Sync + 'static,
    F: Fn(&S, &mut E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        let Self { state, method } = self;
        HookCallback::now::<F>(Changer, move |event| method(&state, event).into_hook_result())
    }
}

impl<E, S, F> IntoCallback<E, kinds::MethodLater> for Bound<S, F>
where
    E: ErasedEvent + ?Sized + 'static,
    S: Send + Sync + 'static,
    F: for<'a> AsyncMethod<'a, S, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        // A future can't borrow from the callback that makes it: it holds its own share of both.
        let bound = Arc::new(self);
        HookCallback::later::<F>(Changer, move |event, context| {
            let bound = Arc::clone(&bound);
            let called =
                async move { bound.method.call(&bound.state, event).await.into_hook_result() };
            Started::of(called, context)
        })
    }
}

impl<E, S, F> IntoCallback<E, kinds::MethodObservingLater> for Bound<S, F>
where
    E: ?Sized + Sync + 'static,
    S: Send + Sync + 'static,
    F: for<'a> AsyncMethodObserver<'a, S, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        // A future can't borrow from the callback that makes it: it holds its own share of both.
        let bound = Arc::new(self);
        HookCallback::later::<F>(Observer, move |event, context| {
            let (bound, event) = (Arc::clone(&bound), &*event);
            let called =
                async move { bound.method.call(&bound.state, event).await.into_hook_result() };
            Started::of(called, context)
        })
    }
}
