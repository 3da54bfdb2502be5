//! Functions and closures as callbacks, and callbacks that are made already.

use super::CallbackKind::{Changer, Observer};
use super::kinds;
use super::{AsyncCallback, AsyncObserver, HookCallback, IntoCallback, IntoHookResult, Started};
use crate::hook::ErasedEvent;

impl<E, F, R> IntoCallback<E, (kinds::Observing, R)> for F
where
    E: ?Sized + 'static,
    F: Fn(&E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        HookCallback::now::<F>(Observer, move |event| self(&*event).into_hook_result())
    }
}

impl<E, F, R> IntoCallback<E, (kinds::Changing, R)> for F
where
    E: ErasedEvent + ?Sized + 'static,
    F: Fn(&mut E) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn into_callback(self) -> HookCallback<E> {
        HookCallback::now::<F>(Changer, move |event| self(event).into_hook_result())
    }
}

impl<E, F> IntoCallback<E, kinds::ObservingLater> for F
where
    E: ?Sized + 'static,
    F: for<'a> AsyncObserver<'a, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        HookCallback::later::<F>(Observer, move |event, context| {
            Started::of(self.call(&*event), context)
        })
    }
}

impl<E, F> IntoCallback<E, kinds::ChangingLater> for F
where
    E: ErasedEvent + ?Sized + 'static,
    F: for<'a> AsyncCallback<'a, E>,
{
    fn into_callback(self) -> HookCallback<E> {
        HookCallback::later::<F>(Changer, move |event, context| {
            Started::of(self.call(event), context)
        })
    }
}

impl<E: ?Sized + 'static> IntoCallback<E, kinds::Made> for HookCallback<E> {
    fn into_callback(self) -> HookCallback<E> {
        self
    }
}
