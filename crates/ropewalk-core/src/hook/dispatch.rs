//! Calling the callbacks of one event.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use super::callback::{CallbackKind, Shape};
use super::event::event_name;
use super::list::{Entry, List};
use super::pipeline::seconds;
use super::{BaseHookEvent, EventOutcome, HookCallback, HookRegistry, HookResult, ObservedEvent};
use crate::error::{BoxError, Error, ErrorKind};
use crate::interrupt::{BadAnswer, Interrupt, InterruptException};
use crate::tool::BoxFuture;

impl HookRegistry {
    /// Calls all callbacks for an event and gives it back with the questions that were raised.
    ///
    /// # Errors
    /// One of the callbacks is async (none was called then), failed or panicked (those after it
    /// were not called); or two asked under one name.
    pub fn invoke_callbacks<E: BaseHookEvent>(
        &self,
        event: E,
    ) -> Result<(E, Vec<Interrupt>), Error> {
        if !self.listens_to::<E>() {
            return Ok((event, Vec::new()));
        }
        let called = Called::of(self, &event);
        if let Some(name) = called.first_async() {
            let text = format!(
                "the callback `{name}` for {} is async: dispatch with invoke_callbacks_async",
                event_name::<E>()
            );
            return Err(Error::new(ErrorKind::Hook, text));
        }
        let mut slot = ObservedEvent::new(event);
        let ended = called.call_now(&mut slot.event);
        slot.outcome = outcome_of(&ended);
        called.observe_now(&mut slot);
        ended.map(|interrupts| (slot.event, interrupts))
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
    pub fn invoke_callbacks_async<E: BaseHookEvent>(
        &self,
        event: E,
    ) -> impl Future<Output = Result<(E, Vec<Interrupt>), Error>> + Send {
        // Made here, it is captured, and stands in the future only once.
        let mut slot = ObservedEvent::new(event);
        async move {
            if !self.listens_to::<E>() {
                return Ok((slot.event, Vec::new()));
            }
            let called = Called::of(self, &slot.event);
            let ended = called.call(&mut slot.event).await;
            slot.outcome = outcome_of(&ended);
            called.observe(&mut slot).await;
            ended.map(|interrupts| (slot.event, interrupts))
        }
    }
}

fn outcome_of(ended: &Result<Vec<Interrupt>, Error>) -> EventOutcome {
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
    fn of(registry: &'a HookRegistry, event: &E) -> Self {
        let reverse = event.should_reverse_callbacks();
        let (list, observers) = (registry.list::<E>(), registry.observers());
        Self {
            callbacks: list.map_or(&[], |list| list.entries(reverse)),
            observers: observers.entries(reverse),
            is_async: list.is_some_and(List::is_async) || observers.is_async(),
        }
    }

    fn first_async(&self) -> Option<&'a str> {
        if !self.is_async {
            return None;
        }
        async_name(self.callbacks).or_else(|| async_name(self.observers))
    }

    /// Calls the callbacks; gives the questions that were raised. The first failure of one that may
    /// change something ends it.
    async fn call(&self, event: &mut E) -> Result<Vec<Interrupt>, Error> {
        let mut raised = Vec::new();
        let mut at = 0;
        while at < self.callbacks.len() {
            // One guard around all of them, entered anew behind one that did not end well.
            let walk = walk(self.callbacks, &mut at, event, enter);
            let Err(error) = guarded(AssertUnwindSafe(walk).catch_unwind().await) else { break };
            settle(&self.callbacks[at].callback, event, error, &mut raised)?;
            at += 1;
        }
        Ok(raised)
    }

    /// The same where no callback is async.
    fn call_now(&self, event: &mut E) -> Result<Vec<Interrupt>, Error> {
        let mut raised = Vec::new();
        let mut at = 0;
        while at < self.callbacks.len() {
            let walk = || walk_now(self.callbacks, &mut at, event, enter);
            let Err(error) = guarded(catch_unwind(AssertUnwindSafe(walk))) else { break };
            settle(&self.callbacks[at].callback, event, error, &mut raised)?;
            at += 1;
        }
        Ok(raised)
    }

    /// Shows the event to those who see all.
    async fn observe(&self, slot: &mut ObservedEvent<E>) {
        let slot: &mut ObservedEvent = slot;
        let mut at = 0;
        while at < self.observers.len() {
            let walk = walk(self.observers, &mut at, slot, |_, _| {});
            let Err(error) = guarded(AssertUnwindSafe(walk).catch_unwind().await) else { break };
            report(&failed(&self.observers[at].callback, slot.name(), error));
            at += 1;
        }
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
async fn walk<T: ?Sized>(
    entries: &[Entry<T>],
    at: &mut usize,
    event: &mut T,
    enter: impl Fn(&T, usize),
) -> HookResult {
    for entry in &entries[*at..] {
        enter(event, *at);
        match &entry.callback.shape {
            Shape::Change(call) => call(event)?,
            Shape::Observe(call) => call(event)?,
            Shape::ChangeAsync(call) => within(entry.callback.limit(), call(event)).await?,
            Shape::ObserveAsync(call) => within(entry.callback.limit(), call(event)).await?,
        }
        *at += 1;
    }
    Ok(())
}

/// The same where no callback is async.
fn walk_now<T: ?Sized>(
    entries: &[Entry<T>],
    at: &mut usize,
    event: &mut T,
    enter: impl Fn(&T, usize),
) -> HookResult {
    for entry in &entries[*at..] {
        enter(event, *at);
        match &entry.callback.shape {
            Shape::Change(call) => call(event)?,
            Shape::Observe(call) => call(event)?,
            Shape::ChangeAsync(_) | Shape::ObserveAsync(_) => {
                return Err("an async callback can't be called without awaiting it".into());
            }
        }
        *at += 1;
    }
    Ok(())
}

/// Awaits a callback for as long as it may take. A clock is set only when it is not ready at once.
async fn within(limit: Option<Duration>, mut future: BoxFuture<'_, HookResult>) -> HookResult {
    if let Some(limit) = limit {
        let ready = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
        if let Poll::Ready(result) = ready.await {
            return result;
        }
        if Handle::try_current().is_ok() {
            // Boxed: the clock is large, and most dispatches never need it.
            let timed = Box::pin(tokio::time::timeout(limit, future));
            return timed.await.unwrap_or_else(|_| {
                let text = format!("took longer than {}", seconds(limit));
                Err(Error::new(ErrorKind::Timeout, text).into())
            });
        }
    }
    future.await
}

/// Makes an error of a panic.
fn guarded(ended: std::thread::Result<HookResult>) -> HookResult {
    ended.unwrap_or_else(|panic| Err(panic_error(&*panic)))
}

/// What a panic said, as an error.
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
    raised: &mut Vec<Interrupt>,
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
