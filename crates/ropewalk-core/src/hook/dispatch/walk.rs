//! Calling callbacks one after the other, up to the first that does not end well.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::failure::panic_error;
use crate::clock::has_clock;
use crate::error::{Error, ErrorKind};
use crate::hook::callback::{Call, Later, Started};
use crate::hook::list::Entry;
use crate::hook::pipeline::seconds;
use crate::hook::{HookCallback, HookResult};
use crate::tool::BoxFuture;

/// Calls callbacks from a place on, up to the first that fails: then `at` is its place.
#[allow(clippy::manual_async_fn, reason = "an async fn copies its arguments at its first poll")]
pub(super) fn walk<'a, T: ?Sized>(
    entries: &'a [Entry<T>],
    at: &'a mut usize,
    event: &'a mut T,
    enter: impl Fn(&T, usize) + 'a,
) -> impl Future<Output = HookResult> + 'a {
    async move {
        // Looked for when the first one waits that has a time limit.
        let mut clock = None;
        for entry in &entries[*at..] {
            enter(event, *at);
            match Start::of(&entry.callback, event).await {
                Started::Ended(ended) => ended?,
                Started::Waits(mut future) => {
                    let limit = entry.callback.limit();
                    match limit.filter(|_| *clock.get_or_insert_with(has_clock)) {
                        Some(limit) => within(limit, future).await?,
                        None => poll_fn(|context| future.as_mut().poll_hook(context)).await?,
                    }
                }
            }
            *at += 1;
        }
        Ok(())
    }
}

/// The same where no callback is async. Where all end well, `at` stays as it was.
#[inline]
#[allow(
    clippy::while_let_on_iterator,
    reason = "a `for` takes two instructions more at each callback"
)]
pub(super) fn walk_now<T: ?Sized>(
    entries: &[Entry<T>],
    at: &mut usize,
    event: &mut T,
    enter: impl Fn(&T, usize),
) -> HookResult {
    let mut number = *at;
    let mut place = Place { behind: entries[number..].iter(), all: entries.len(), at };
    while let Some(entry) = place.behind.next() {
        enter(event, number);
        entry.callback.call.now(event)?;
        number += 1;
    }
    // Behind the last one there is no place to write down.
    std::mem::forget(place);
    Ok(())
}

/// Where a walk over callbacks is. Which one was being called is worked out where the walk breaks off, be
/// it by a panic, and not kept up to date before: most walks go to the end.
struct Place<'a, T: ?Sized> {
    /// Those behind the one that is being called.
    behind: std::slice::Iter<'a, Entry<T>>,
    all: usize,
    at: &'a mut usize,
}

impl<T: ?Sized> Drop for Place<'_, T> {
    fn drop(&mut self) {
        *self.at = self.all - self.behind.len() - 1;
    }
}

/// Calls a callback, as far as it goes at once: ready when it is polled.
struct Start<'a, T: ?Sized> {
    call: &'a dyn Call<T>,
    event: Option<&'a mut T>,
}

impl<'a, T: ?Sized> Start<'a, T> {
    fn of(callback: &'a HookCallback<T>, event: &'a mut T) -> Self {
        Self { call: &*callback.call, event: Some(event) }
    }
}

impl<'a, T: ?Sized> Future for Start<'a, T> {
    type Output = Started<'a>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Started<'a>> {
        // It is gone only if this was ready already, and must not be polled any more.
        let Some(event) = self.event.take() else { return Poll::Pending };
        Poll::Ready(self.call.start(event, context))
    }
}

/// Awaits one that was not ready at once, for as long as it may take. Boxed: the clock is large.
#[cold]
fn within(limit: Duration, mut future: Later<'_>) -> BoxFuture<'_, HookResult> {
    let future = poll_fn(move |context| future.as_mut().poll_hook(context));
    let timed = tokio::time::timeout(limit, future);
    Box::pin(timed.map(move |ended| {
        ended.unwrap_or_else(|_| {
            let text = format!("took longer than {}", seconds(limit));
            Err(Error::new(ErrorKind::Timeout, text).into())
        })
    }))
}

/// Polls a run of callbacks; a panic is an error of the one that was being called.
pub(super) fn poll_guarded(
    walk: Pin<&mut impl Future<Output = HookResult>>,
    context: &mut Context<'_>,
) -> Poll<HookResult> {
    catch_unwind(AssertUnwindSafe(|| walk.poll(context)))
        .unwrap_or_else(|panic| Poll::Ready(Err(panic_error(&*panic))))
}

/// Makes an error of a panic.
#[inline]
pub(super) fn guarded(ended: std::thread::Result<HookResult>) -> HookResult {
    match ended {
        Ok(ended) => ended,
        Err(panic) => Err(panic_error(&*panic)),
    }
}
