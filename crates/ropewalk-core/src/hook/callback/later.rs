//! What is awaited: the traits behind async callbacks. Nobody implements them by hand.

use super::IntoHookResult;

/// An async function or closure that looks at an event. Implemented by itself.
pub trait AsyncObserver<'a, E: ?Sized + 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, event: &'a E) -> Self::Future;
}

impl<'a, E: ?Sized + 'a, F, Fut> AsyncObserver<'a, E> for F
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
pub trait AsyncCallback<'a, E: ?Sized + 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, event: &'a mut E) -> Self::Future;
}

impl<'a, E: ?Sized + 'a, F, Fut> AsyncCallback<'a, E> for F
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
pub trait AsyncMethod<'a, S: 'a, E: ?Sized + 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, state: &'a S, event: &'a mut E) -> Self::Future;
}

impl<'a, S: 'a, E: ?Sized + 'a, F, Fut> AsyncMethod<'a, S, E> for F
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
pub trait AsyncMethodObserver<'a, S: 'a, E: ?Sized + 'a>: Send + Sync + 'static {
    /// What it gives in the end.
    type Output: IntoHookResult;
    /// Its future.
    type Future: Future<Output = Self::Output> + Send + 'a;

    /// Calls it.
    fn call(&self, state: &'a S, event: &'a E) -> Self::Future;
}

impl<'a, S: 'a, E: ?Sized + 'a, F, Fut> AsyncMethodObserver<'a, S, E> for F
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
