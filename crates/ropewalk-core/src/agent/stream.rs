//! The events of one invocation, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::AgentEvent;
use crate::error::Error;
use crate::tool::BoxFuture;
use crate::view::AgentResult;

/// Where events go; nowhere, if nobody listens.
#[derive(Clone)]
pub(super) struct Sink(Option<UnboundedSender<AgentEvent>>);

impl Sink {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn new() -> (Self, UnboundedReceiver<AgentEvent>) {
        let (sender, receiver) = unbounded_channel();
        (Self(Some(sender)), receiver)
    }

    /// Sends an event, which is built only if somebody listens.
    pub(super) fn send(&self, event: impl FnOnce() -> AgentEvent) {
        if let Some(sender) = &self.0 {
            // The stream was dropped: nothing durable depends on a listener.
            let _ = sender.send(event());
        }
    }

    pub(super) fn is_heard(&self) -> bool {
        self.0.is_some()
    }
}

/// The events of one invocation; made by [`Agent::stream`](super::Agent::stream).
///
/// The last item is [`AgentEvent::Result`] or an error. Nothing happens before it is polled. It may
/// be dropped at any point: the agent stays usable, its history valid, and `invoke(())` goes on.
pub struct AgentStream<'agent> {
    events: UnboundedReceiver<AgentEvent>,
    work: Option<BoxFuture<'agent, Result<AgentResult, Error>>>,
    ending: Option<Result<AgentEvent, Error>>,
}

impl<'agent> AgentStream<'agent> {
    pub(super) fn new(
        events: UnboundedReceiver<AgentEvent>,
        work: BoxFuture<'agent, Result<AgentResult, Error>>,
    ) -> Self {
        Self { events, work: Some(work), ending: None }
    }
}

impl Stream for AgentStream<'_> {
    type Item = Result<AgentEvent, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Poll::Ready(Some(event)) = this.events.poll_recv(cx) {
            return Poll::Ready(Some(Ok(event)));
        }
        if let Some(work) = &mut this.work
            && let Poll::Ready(result) = work.as_mut().poll(cx)
        {
            this.work = None;
            this.ending = Some(result.map(AgentEvent::Result));
        }
        match this.events.poll_recv(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(Ok(event))),
            _ if this.work.is_some() => Poll::Pending,
            _ => Poll::Ready(this.ending.take()),
        }
    }
}

impl fmt::Debug for AgentStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentStream").field("done", &self.work.is_none()).finish_non_exhaustive()
    }
}
