//! The queue between a run and its stream: what comes out, who is woken, and what becomes of the rest.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pretty_assertions::assert_eq;

use super::{lock, queue};
use crate::AgentEvent;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn text(event: Option<AgentEvent>) -> Option<String> {
    event.map(|event| match event {
        AgentEvent::Text(text) => text,
        other => panic!("{other:?}"),
    })
}

#[test]
fn events_come_out_in_their_order_also_those_sent_while_others_are_read() {
    let (sender, mut receiver) = queue();
    for piece in ["1", "2"] {
        sender.send(AgentEvent::Text(piece.into()));
    }
    assert_eq!(text(receiver.next()).unwrap(), "1");
    sender.send(AgentEvent::Text("3".into()));
    assert_eq!(text(receiver.next()).unwrap(), "2");
    assert_eq!(text(receiver.next()).unwrap(), "3");
    assert_eq!(text(receiver.next()), None);
}

#[test]
fn a_reader_that_waits_is_woken_once_and_one_that_looks_is_not() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let context = Context::from_waker(&waker);
    let woken = || wakes.0.load(Ordering::Relaxed);
    let (sender, mut receiver) = queue();
    assert!(receiver.poll(&context).is_pending());
    sender.send(AgentEvent::Start);
    sender.send(AgentEvent::Start);
    assert_eq!(woken(), 1);
    assert!(matches!(receiver.poll(&context), Poll::Ready(AgentEvent::Start)));
    assert!(matches!(receiver.poll(&context), Poll::Ready(AgentEvent::Start)));
    // It waits again, and then looks by itself: whoever sends meanwhile need not wake it.
    assert!(receiver.poll(&context).is_pending());
    assert!(receiver.next().is_none());
    sender.send(AgentEvent::Start);
    assert_eq!(woken(), 1);
    assert!(matches!(receiver.poll(&context), Poll::Ready(AgentEvent::Start)));
}

#[test]
fn what_nobody_will_read_is_not_kept_nor_who_waited_for_it() {
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let (sender, mut receiver) = queue();
    assert!(receiver.poll(&Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 2);
    let also = sender.clone();
    drop(receiver);
    also.send(AgentEvent::Start);
    assert_eq!(Arc::strong_count(&wakes), 1);
    let unread = lock(&sender.0);
    assert!(unread.is_closed && unread.events.is_empty());
}
