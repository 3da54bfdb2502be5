//! What is called: every shape of callback in one form, which keeps the walk over them short.
//!
//! That an observer does not change the event is seen to where its callback is made.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::{HookResult, IntoHookResult};
use crate::hook::{AnyEvent, BaseHookEvent};

/// A share of a callback. What is shared is the closure, where its type is still known: where it lies
/// in an `Arc<dyn Fn>` would be worked out at each call.
pub(in crate::hook) trait Call<E: ?Sized>: Send + Sync {
    /// Calls it where nothing is awaited.
    fn now(&self, event: &mut E) -> HookResult;
    /// Calls it, and polls it once if it must be awaited.
    fn start<'a>(&self, event: &'a mut E, context: &mut Context<'_>) -> Started<'a>;
    /// Another share.
    fn share(&self) -> Box<dyn Call<E>>;
}

/// A callback that was called.
pub(in crate::hook) enum Started<'a> {
    Ended(HookResult),
    Waits(Later<'a>),
}

/// An async callback under way.
pub(in crate::hook) type Later<'a> = Pin<Box<dyn HookFuture + Send + 'a>>;

/// A future of what a callback may return: boxed as it is, and not within another one.
pub(in crate::hook) trait HookFuture {
    fn poll_hook(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<HookResult>;
}

impl<F: Future<Output: IntoHookResult>> HookFuture for F {
    #[inline]
    fn poll_hook(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<HookResult> {
        self.poll(context).map(IntoHookResult::into_hook_result)
    }
}

impl<'a> Started<'a> {
    /// Polls a callback's future once, here where its type is known: most are ready then. In line, so that the
    /// compiler sees where one never waits, and needs no box.
    #[inline(always)]
    pub(super) fn of(
        future: impl Future<Output: IntoHookResult> + Send + 'a,
        context: &mut Context<'_>,
    ) -> Self {
        let mut future = Box::pin(future);
        match future.as_mut().poll_hook(context) {
            Poll::Ready(ended) => Self::Ended(ended),
            Poll::Pending => Self::Waits(future),
        }
    }
}

/// One that is not async.
pub(super) struct CallNow<F>(Arc<F>);

/// One that must be awaited.
pub(super) struct CallLater<F>(Arc<F>);

/// One for any event, for those of one type.
pub(super) struct Narrowed(pub(super) Box<dyn Call<AnyEvent>>);

impl<F> CallNow<F> {
    pub(super) fn new(call: F) -> Self {
        Self(Arc::new(call))
    }
}

impl<F> CallLater<F> {
    pub(super) fn new(call: F) -> Self {
        Self(Arc::new(call))
    }
}

impl<E: ?Sized, F> Call<E> for CallNow<F>
where
    F: Fn(&mut E) -> HookResult + Send + Sync + 'static,
{
    fn now(&self, event: &mut E) -> HookResult {
        (self.0)(event)
    }

    fn start<'a>(&self, event: &'a mut E, _: &mut Context<'_>) -> Started<'a> {
        Started::Ended((self.0)(event))
    }

    fn share(&self) -> Box<dyn Call<E>> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

impl<E: ?Sized, F> Call<E> for CallLater<F>
where
    F: for<'a> Fn(&'a mut E, &mut Context<'_>) -> Started<'a> + Send + Sync + 'static,
{
    #[cold]
    fn now(&self, _: &mut E) -> HookResult {
        Err("an async callback can't be called without awaiting it".into())
    }

    fn start<'a>(&self, event: &'a mut E, context: &mut Context<'_>) -> Started<'a> {
        (self.0)(event, context)
    }

    fn share(&self) -> Box<dyn Call<E>> {
        Box::new(Self(Arc::clone(&self.0)))
    }
}

impl<E: BaseHookEvent> Call<E> for Narrowed {
    fn now(&self, event: &mut E) -> HookResult {
        self.0.now(event)
    }

    fn start<'a>(&self, event: &'a mut E, context: &mut Context<'_>) -> Started<'a> {
        self.0.start(event, context)
    }

    fn share(&self) -> Box<dyn Call<E>> {
        Box::new(Self(self.0.share()))
    }
}
