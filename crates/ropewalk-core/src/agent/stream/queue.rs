//! The way from a run to its stream: events go in one by one, and come out all that there are at once.
//!
//! As a rule both ends are one task's: a channel between tasks would take its locks, and wake, for each event.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::agent::AgentEvent;

/// What was sent and is not read yet.
#[derive(Default)]
struct Unread {
    events: VecDeque<AgentEvent>,
    /// The task to wake, while it waits.
    reader: Option<Waker>,
    is_closed: bool,
}

type Shared = Arc<Mutex<Unread>>;

/// A way into the queue.
#[derive(Clone)]
pub(in crate::agent) struct Sender(Shared);

/// The way out.
pub(in crate::agent) struct Receiver {
    shared: Shared,
    /// What was taken out, and is handed on from here.
    taken: VecDeque<AgentEvent>,
}

pub(super) fn queue() -> (Sender, Receiver) {
    let shared = Shared::default();
    (Sender(Arc::clone(&shared)), Receiver { shared, taken: VecDeque::new() })
}

fn lock(shared: &Shared) -> MutexGuard<'_, Unread> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    /// Adds an event. It is forgotten if nobody reads any more: nothing durable depends on a listener.
    pub(super) fn send(&self, event: AgentEvent) {
        let mut unread = lock(&self.0);
        if unread.is_closed {
            return;
        }
        unread.events.push_back(event);
        let reader = unread.reader.take();
        drop(unread);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Receiver {
    /// The next event, if there is one. Until [`poll`](Self::poll) is called, nobody is woken for others.
    pub(super) fn next(&mut self) -> Option<AgentEvent> {
        if self.taken.is_empty() {
            let mut unread = lock(&self.shared);
            unread.reader = None;
            std::mem::swap(&mut self.taken, &mut unread.events);
        }
        self.taken.pop_front()
    }

    /// The next event; while there is none, the task is woken by the next one.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<AgentEvent> {
        if self.taken.is_empty() {
            let mut unread = lock(&self.shared);
            if unread.events.is_empty() {
                unread.reader = Some(context.waker().clone());
            }
            std::mem::swap(&mut self.taken, &mut unread.events);
        }
        self.taken.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut unread = lock(&self.shared);
        unread.is_closed = true;
        unread.reader = None;
        unread.events = VecDeque::new();
    }
}

#[cfg(test)]
#[path = "../../../tests/agent/queue.rs"]
mod tests;
