//! The events of one invocation, as a stream.

mod queue;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::AgentEvent;
use super::callback_handler::Handling;
use crate::error::Error;
use crate::tool::BoxFuture;
use crate::view::AgentResult;

use queue::{Receiver, Sender, queue};

/// Where events go: to the callback handler, then to the stream; nowhere, if nobody listens.
#[derive(Clone)]
pub(super) struct Sink {
    handling: Option<Arc<Handling>>,
    stream: Option<Sender>,
}

impl Sink {
    pub(super) fn none() -> Self {
        Self { handling: None, stream: None }
    }

    pub(super) fn new() -> (Self, Receiver) {
        let (sender, receiver) = queue();
        (Self { handling: None, stream: Some(sender) }, receiver)
    }

    pub(super) fn handled_by(mut self, handling: Option<Handling>) -> Self {
        self.handling = handling.map(Arc::new);
        self
    }

    /// Sends an event, which is built only if somebody listens.
    pub(super) fn send(&self, event: impl FnOnce() -> AgentEvent) {
        if !self.is_heard() {
            return;
        }
        let event = event();
        if let Some(handling) = &self.handling {
            handling.show(&event);
        }
        if let Some(stream) = &self.stream {
            stream.send(event);
        }
    }

    /// Tells the callback handler what it came to. The stream gives the result itself.
    pub(super) fn finish(&self, result: Result<AgentResult, Error>) -> Result<AgentResult, Error> {
        match &self.handling {
            Some(handling) => handling.finish(result),
            None => result,
        }
    }

    /// Whether somebody takes the events one by one.
    pub(super) fn is_streamed(&self) -> bool {
        self.stream.is_some()
    }

    pub(super) fn is_heard(&self) -> bool {
        self.handling.is_some() || self.stream.is_some()
    }
}

/// The events of one invocation; made by [`Agent::stream`](super::Agent::stream).
///
/// The last item is [`AgentEvent::Result`] or an error. Nothing happens before it is polled. It may
/// be dropped at any point: the agent stays usable, its history valid, and `invoke(())` goes on.
pub struct AgentStream<'agent> {
    events: Receiver,
    work: Option<BoxFuture<'agent, Result<AgentResult, Error>>>,
    ending: Option<Result<AgentEvent, Error>>,
}

impl<'agent> AgentStream<'agent> {
    pub(super) fn new(
        events: Receiver,
        work: BoxFuture<'agent, Result<AgentResult, Error>>,
    ) -> Self {
        Self { events, work: Some(work), ending: None }
    }
}

impl Stream for AgentStream<'_> {
    type Item = Result<AgentEvent, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(event) = this.events.next() {
            return Poll::Ready(Some(Ok(event)));
        }
        if let Some(work) = &mut this.work {
            let Poll::Ready(result) = work.as_mut().poll(cx) else {
                // What a tool's own tasks send wakes this one.
                return this.events.poll(cx).map(|event| Some(Ok(event)));
            };
            this.work = None;
            this.ending = Some(result.map(|result| AgentEvent::Result(Box::new(result))));
        }
        Poll::Ready(this.events.next().map(Ok).or_else(|| this.ending.take()))
    }
}

impl fmt::Debug for AgentStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentStream").field("done", &self.work.is_none()).finish_non_exhaustive()
    }
}
