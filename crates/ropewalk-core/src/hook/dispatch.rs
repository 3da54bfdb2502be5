//! Calling the callbacks of one event.

mod failure;
mod walk;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

use super::event::event_name;
use super::list::{Entry, List};
use super::{BaseHookEvent, EventOutcome, HookRegistry, ModelStreamEvent, ObservedEvent};
use crate::error::{BoxError, Error};
use crate::interrupt::Interrupts;

use failure::{failed, refused, report, settle};
use walk::{guarded, poll_guarded, walk, walk_now};

pub(crate) use failure::{panic_error, raised_by};

impl HookRegistry {
    /// Calls all callbacks for an event and gives it back with the questions that were raised.
    ///
    /// # Errors
    /// One of the callbacks is async (none was called then), failed or panicked (those after it
    /// were not called); or two asked under one name.
    #[inline]
    pub fn invoke_callbacks<E: BaseHookEvent>(
        &self,
        mut event: E,
    ) -> Result<(E, Interrupts), Error> {
        if !self.observers().is_empty() {
            return self.invoke_observed(event);
        }
        let Some(list) = self.list::<E>() else { return Ok((event, Interrupts::none())) };
        let callbacks = list.entries(event.should_reverse_callbacks());
        if list.is_async() {
            return Err(refused(callbacks, &[]));
        }
        let raised = call_now(callbacks, &mut event)?;
        Ok((event, raised))
    }

    /// Calls all callbacks for an event, one after the other, and gives it back with the questions
    /// that were raised.
    ///
    /// An async callback that takes longer than it may (see
    /// [`HookCallback::timeout`](crate::HookCallback::timeout)) is dropped and has failed. For that the
    /// runtime needs its timers, as `#[tokio::main]` has them; outside a tokio runtime nothing is timed.
    ///
    /// # Errors
    /// One of the callbacks failed, panicked or took too long (those after it were not called); or
    /// two asked under one name.
    #[inline]
    pub fn invoke_callbacks_async<E: BaseHookEvent>(
        &self,
        event: E,
    ) -> impl Future<Output = Result<(E, Interrupts), Error>> + Send {
        // Made here, it is captured, and stands in the future only once.
        let mut slot = ObservedEvent::new(event);
        async move {
            let Some(called) = Called::of(self, &slot.event) else {
                return Ok((slot.event, Interrupts::none()));
            };
            let ended = if called.is_async {
                called.call_all(&mut slot).await
            } else {
                called.call_all_now(&mut slot)
            };
            ended.map(|interrupts| (slot.event, interrupts))
        }
    }
}

impl HookRegistry {
    /// Calls all callbacks for an event where somebody sees all events.
    #[cold]
    fn invoke_observed<E: BaseHookEvent>(&self, event: E) -> Result<(E, Interrupts), Error> {
        let mut slot = ObservedEvent::new(event);
        let Some(called) = Called::of(self, &slot.event) else {
            return Ok((slot.event, Interrupts::none()));
        };
        if called.is_async {
            return Err(refused(called.callbacks, called.observers));
        }
        let ended = called.call_all_now(&mut slot);
        ended.map(|interrupts| (slot.event, interrupts))
    }

    /// Shows a chunk of a model to those who look at them.
    pub(crate) async fn show_stream(&self, mut event: ModelStreamEvent) {
        let name = event_name::<ModelStreamEvent>();
        observe(self.stream_observers().entries(false), &mut event, name).await;
    }
}

fn outcome_of(ended: &Result<Interrupts, Error>) -> EventOutcome {
    match ended {
        Ok(raised) if raised.is_empty() => EventOutcome::Continued,
        Ok(_) => EventOutcome::Asked,
        Err(_) => EventOutcome::Failed,
    }
}

/// Who is called for one event, in this order.
struct Called<'a, E> {
    callbacks: &'a [Entry<E>],
    observers: &'a [Entry<ObservedEvent>],
    is_async: bool,
}

impl<'a, E: BaseHookEvent> Called<'a, E> {
    /// None if nobody listens. Small enough to be inlined: such an event costs next to nothing.
    #[inline]
    fn of(registry: &'a HookRegistry, event: &E) -> Option<Self> {
        let (list, observers) = (registry.list::<E>(), registry.observers());
        if list.is_none() && observers.is_empty() {
            return None;
        }
        let reverse = event.should_reverse_callbacks();
        Some(Self {
            callbacks: list.map_or(&[], |list| list.entries(reverse)),
            observers: observers.entries(reverse),
            is_async: list.is_some_and(List::is_async) || observers.is_async(),
        })
    }

    /// Calls the callbacks, then those who see all; gives the questions that were raised. The first
    /// failure of one that may change something ends the former.
    #[allow(clippy::manual_async_fn, reason = "an async fn copies its arguments at its first poll")]
    fn call_all(
        &self,
        slot: &mut ObservedEvent<E>,
    ) -> impl Future<Output = Result<Interrupts, Error>> + Send {
        async move {
            let mut raised = Interrupts::none();
            let mut ended = Ok(());
            let mut at = 0;
            while ended.is_ok() && at < self.callbacks.len() {
                // One guard around all of them, entered anew behind one that did not end well.
                let walked = {
                    let mut walk = pin!(walk(self.callbacks, &mut at, &mut slot.event, enter));
                    poll_fn(|context| poll_guarded(walk.as_mut(), context)).await
                };
                let Err(error) = walked else { break };
                ended = settle(&self.callbacks[at].callback, &slot.event, error, &mut raised);
                at += 1;
            }
            let ended = ended.map(|()| raised);
            if !self.observers.is_empty() {
                slot.outcome = outcome_of(&ended);
                self.observe(slot).await;
            }
            ended
        }
    }

    /// The same where none is async.
    fn call_all_now(&self, slot: &mut ObservedEvent<E>) -> Result<Interrupts, Error> {
        let ended = call_now(self.callbacks, &mut slot.event);
        if !self.observers.is_empty() {
            slot.outcome = outcome_of(&ended);
            self.observe_now(slot);
        }
        ended
    }

    /// Shows the event to those who see all.
    async fn observe(&self, slot: &mut ObservedEvent<E>) {
        let slot: &mut ObservedEvent = slot;
        let name = slot.name();
        observe(self.observers, slot, name).await;
    }

    /// The same where no observer is async.
    fn observe_now(&self, slot: &mut ObservedEvent<E>) {
        let slot: &mut ObservedEvent = slot;
        let mut at = 0;
        while at < self.observers.len() {
            let walk = || walk_now(self.observers, &mut at, slot, |_, _| {});
            let Err(error) = guarded(catch_unwind(AssertUnwindSafe(walk))) else { break };
            report(&failed(&self.observers[at].callback, slot.name(), error));
            at += 1;
        }
    }
}

/// Calls callbacks of which none is async; gives the questions that were raised. In line as far as
/// all goes well, which it does nearly always.
#[inline(always)]
fn call_now<E: BaseHookEvent>(entries: &[Entry<E>], event: &mut E) -> Result<Interrupts, Error> {
    let mut at = 0;
    match guarded(catch_unwind(AssertUnwindSafe(|| walk_now(entries, &mut at, event, enter)))) {
        Ok(()) => Ok(Interrupts::none()),
        Err(error) => call_rest_now(entries, event, at, error),
    }
}

/// The same from the first callback on that did not end well.
#[cold]
fn call_rest_now<E: BaseHookEvent>(
    entries: &[Entry<E>],
    event: &mut E,
    mut at: usize,
    mut error: BoxError,
) -> Result<Interrupts, Error> {
    let mut raised = Interrupts::none();
    loop {
        settle(&entries[at].callback, event, error, &mut raised)?;
        at += 1;
        let walk = || walk_now(entries, &mut at, event, enter);
        match guarded(catch_unwind(AssertUnwindSafe(walk))) {
            Ok(()) => return Ok(raised),
            Err(next) => error = next,
        }
    }
}

/// Shows an event to those who can only look at it. One that fails is reported.
async fn observe<T: ?Sized>(entries: &[Entry<T>], event: &mut T, name: &str) {
    let mut at = 0;
    while at < entries.len() {
        let walked = {
            let mut walk = pin!(walk(entries, &mut at, event, |_, _| {}));
            poll_fn(|context| poll_guarded(walk.as_mut(), context)).await
        };
        let Err(error) = walked else { break };
        report(&failed(&entries[at].callback, name, error));
        at += 1;
    }
}

/// Says that the next questions come from the callback with this number.
fn enter<E: BaseHookEvent>(event: &E, number: usize) {
    if let Some(scope) = event.interrupt_scope() {
        scope.enter(number);
    }
}
