//! How long a wrap hook may take itself: what is further in is not on its time.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::{ModelCallRequest, ModelNext, ToolCallRequest, ToolNext, WrapModelCall, WrapToolCall};
use crate::clock::has_clock;
use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::pipeline::seconds;
use crate::message::ToolResult;
use crate::model::ModelTurn;
use crate::tool::BoxFuture;

/// How many calls of `next` a wrap hook awaits.
#[derive(Debug, Default)]
pub(super) struct Inside(AtomicUsize);

impl Inside {
    /// As long as what this gives lives, one more is awaited.
    pub(super) fn enter(&self) -> Entered<'_> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(&self.0)
    }

    /// Awaits a wrap hook for as long as it may take itself. The clock is tokio's: without it there is no
    /// limit.
    pub(super) async fn within<T>(
        &self,
        limit: Option<Duration>,
        wrap: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, BoxError> {
        let Some(limit) = limit.filter(|_| has_clock()) else {
            return wrap.await;
        };
        let mut wrap = pin!(wrap);
        let mut left = limit;
        let mut timer: Option<(Instant, Pin<Box<Sleep>>)> = None;
        poll_fn(|context| {
            if let Poll::Ready(ended) = wrap.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            // It is polled by nothing but this, so that its calls of `next` begin and end here.
            if self.0.load(Ordering::Relaxed) > 0 {
                if let Some((since, _)) = timer.take() {
                    left = left.saturating_sub(since.elapsed());
                }
                return Poll::Pending;
            }
            let (_, late) = timer.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
            late.as_mut().poll(context).map(|()| {
                let text = format!("took longer than {}", seconds(limit));
                Err(Error::new(ErrorKind::Timeout, text).into())
            })
        })
        .await
    }
}

/// A call of `next` that is awaited.
#[derive(Debug)]
pub(super) struct Entered<'a>(&'a AtomicUsize);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A wrap hook with a time limit of its own; made by [`limited`].
pub struct Limited<W> {
    wrap: W,
    limit: Option<Duration>,
}

/// Says how long a wrap hook may take itself, what it calls with `next` not counted; none: as long as it
/// likes. Without it: [`DEFAULT_TIMEOUT`](crate::DEFAULT_TIMEOUT).
///
/// ```
/// use std::time::Duration;
/// use ropewalk_core::{BoxError, HookRegistry, ToolCallRequest, ToolNext, ToolResult, limited};
///
/// async fn in_turn(request: ToolCallRequest, next: ToolNext<'_>) -> Result<ToolResult, BoxError> {
///     tokio::time::sleep(Duration::from_secs(60)).await;
///     next.run(request).await
/// }
///
/// let mut registry = HookRegistry::new();
/// registry.wrap_tool_call(limited(in_turn, Some(Duration::from_secs(90))));
/// ```
pub fn limited<W>(wrap: W, limit: Option<Duration>) -> Limited<W> {
    Limited { wrap, limit }
}

impl<W: WrapToolCall> WrapToolCall for Limited<W> {
    fn wrap<'a>(
        &'a self,
        request: ToolCallRequest,
        next: ToolNext<'a>,
    ) -> BoxFuture<'a, Result<ToolResult, BoxError>> {
        self.wrap.wrap(request, next)
    }

    fn name(&self) -> &str {
        self.wrap.name()
    }

    fn timeout(&self) -> Option<Duration> {
        self.limit
    }
}

impl<W: WrapModelCall> WrapModelCall for Limited<W> {
    fn wrap<'a>(
        &'a self,
        request: ModelCallRequest,
        next: ModelNext<'a>,
    ) -> BoxFuture<'a, Result<ModelTurn, BoxError>> {
        self.wrap.wrap(request, next)
    }

    fn name(&self) -> &str {
        self.wrap.name()
    }

    fn timeout(&self) -> Option<Duration> {
        self.limit
    }
}

impl<W> fmt::Debug for Limited<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("limit", &self.limit).finish_non_exhaustive()
    }
}
