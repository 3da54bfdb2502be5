//! Calling the callbacks of one event.

use std::error::Error as StdError;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use super::callback::{Call, CallbackKind, Later, Started};
use super::event::event_name;
use super::list::{Entry, List};
use super::pipeline::seconds;
use super::{
    BaseHookEvent, EventOutcome, HookCallback, HookRegistry, HookResult, ModelStreamEvent,
    ObservedEvent,
};
use crate::error::{BoxError, Error, ErrorKind};
use crate::interrupt::{BadAnswer, Interrupt, InterruptException, Interrupts};
use crate::tool::BoxFuture;

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
    /// An async callback that takes longer than it may (see [`HookCallback::timeout`]) is dropped and
    /// has failed. For that the runtime needs its timers, as `#[tokio::main]` has them; outside a tokio
    /// runtime nothing is timed.
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
#[inline]
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

/// Says which callback must be awaited. Its parameters are plain, so that nothing is put in memory for
/// it where all goes well.
#[cold]
fn refused<E>(callbacks: &[Entry<E>], observers: &[Entry<ObservedEvent>]) -> Error {
    let name = async_name(callbacks).or_else(|| async_name(observers));
    let text = format!(
        "the callback `{}` for {} is async: dispatch with invoke_callbacks_async",
        name.unwrap_or("?"),
        event_name::<E>()
    );
    Error::new(ErrorKind::Hook, text)
}

fn async_name<T: ?Sized>(entries: &[Entry<T>]) -> Option<&str> {
    entries.iter().find(|entry| entry.callback.is_async()).map(|entry| entry.callback.name())
}

/// Says that the next questions come from the callback with this number.
fn enter<E: BaseHookEvent>(event: &E, number: usize) {
    if let Some(scope) = event.interrupt_scope() {
        scope.enter(number);
    }
}

/// Calls callbacks from a place on, up to the first that fails: then `at` is its place.
#[allow(clippy::manual_async_fn, reason = "an async fn copies its arguments at its first poll")]
fn walk<'a, T: ?Sized>(
    entries: &'a [Entry<T>],
    at: &'a mut usize,
    event: &'a mut T,
    enter: impl Fn(&T, usize) + 'a,
) -> impl Future<Output = HookResult> + 'a {
    async move {
        // Whether there are timers: looked for when the first one waits.
        let mut has_clock = None;
        for entry in &entries[*at..] {
            enter(event, *at);
            match Start::of(&entry.callback, event).await {
                Started::Ended(ended) => ended?,
                Started::Waits(mut future) => {
                    let has_clock = *has_clock.get_or_insert_with(|| Handle::try_current().is_ok());
                    match entry.callback.limit().filter(|_| has_clock) {
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

/// The same where no callback is async.
#[inline]
fn walk_now<T: ?Sized>(
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
    std::mem::forget(place);
    Ok(())
}

/// Where a walk over callbacks is. Which one was being called is worked out where the walk breaks off, be
/// it by a panic, and not counted before: most walks go to the end.
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
fn poll_guarded(
    walk: Pin<&mut impl Future<Output = HookResult>>,
    context: &mut Context<'_>,
) -> Poll<HookResult> {
    catch_unwind(AssertUnwindSafe(|| walk.poll(context)))
        .unwrap_or_else(|panic| Poll::Ready(Err(panic_error(&*panic))))
}

/// Makes an error of a panic.
#[inline]
fn guarded(ended: std::thread::Result<HookResult>) -> HookResult {
    match ended {
        Ok(ended) => ended,
        Err(panic) => Err(panic_error(&*panic)),
    }
}

/// What a panic said, as an error.
#[cold]
pub(crate) fn panic_error(panic: &(dyn std::any::Any + Send)) -> BoxError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("panicked: {text}").into()
}

fn failed<T: ?Sized>(callback: &HookCallback<T>, event: &str, error: BoxError) -> Error {
    let text = format!("hook `{}` failed at {event}: {error}", callback.name());
    Error::new(ErrorKind::Hook, text).with_source(error)
}

fn report(error: &Error) {
    tracing::error!("{error} (it only observes: the run goes on)");
}

/// Sorts out how a callback ended that did not end well: with a question, or with a failure.
#[cold]
fn settle<E: BaseHookEvent>(
    callback: &HookCallback<E>,
    event: &E,
    error: BoxError,
    raised: &mut Interrupts,
) -> Result<(), Error> {
    let fail = |error: BoxError| failed(callback, event_name::<E>(), error);
    if callback.kind() == CallbackKind::Observer {
        report(&fail(error));
        return Ok(());
    }
    let interrupt = match raised_by(error) {
        Ok(interrupt) => interrupt,
        Err(error) => return Err(fail(error)),
    };
    let Interrupt { name, reason, .. } = &interrupt;
    if event.interrupt_scope().is_none() {
        let text = format!("this event can't be interrupted; the question was `{name}`: {reason}");
        return Err(fail(text.into()));
    }
    if raised.iter().any(|other| other.id == interrupt.id) {
        let text = format!("interrupt_name=<{name}> | interrupt name used more than once");
        return Err(fail(text.into()));
    }
    raised.push(interrupt);
    Ok(())
}

/// The question inside an error, if there is one: the error itself, or a cause of it.
pub(crate) fn raised_by(error: BoxError) -> Result<Interrupt, BoxError> {
    let first: &(dyn StdError + 'static) = &*error;
    let question =
        std::iter::successors(Some(first), |&error| error.source()).find_map(question_of);
    question.ok_or(error)
}

fn question_of(error: &(dyn StdError + 'static)) -> Option<Interrupt> {
    if let Some(exception) = error.downcast_ref::<InterruptException>() {
        return Some(exception.interrupt().clone());
    }
    let bad = error.downcast_ref::<BadAnswer>()?;
    tracing::warn!("{bad}; the question is put again");
    Some(bad.interrupt.clone())
}
