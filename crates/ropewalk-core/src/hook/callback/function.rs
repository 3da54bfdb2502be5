//! Functions and closures as callbacks, and callbacks that are made already.

use std::sync::Arc;

use super::kinds;
use super::{
    AsyncCallback, AsyncObserver, Change, ChangeAsync, HookCallback, IntoCallback, IntoHookResult,
    Observe, ObserveAsync, Shape,
};
use crate::hook::ErasedEvent;

impl<E, F, R> IntoCallback<E, (kinds::Observing, R)> for F
where
    E: ?Sized + 'static,
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
    E: ErasedEvent + ?Sized + 'static,
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
    E: ?Sized + 'static,
    F: for<'a> AsyncObserver<'a, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        let call: Arc<ObserveAsync<E>> = Arc::new(move |event| Box::pin(self.call(event)));
        HookCallback::new::<F>(Shape::ObserveAsync(call))
    }
}

impl<E, F> IntoCallback<E, kinds::ChangingLater> for F
where
    E: ErasedEvent + ?Sized + 'static,
    F: for<'a> AsyncCallback<'a, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        let call: Arc<ChangeAsync<E>> = Arc::new(move |event| Box::pin(self.call(event)));
        HookCallback::new::<F>(Shape::ChangeAsync(call))
    }
}

impl<E: ?Sized + 'static> IntoCallback<E, kinds::Made> for HookCallback<E> {
    fn into_callback(self) -> HookCallback<E> {
        self
    }
}
