//! Calling the callbacks of one event.

use std::error::Error as StdError;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;

use super::callback::{CallbackKind, Shape};
use super::event::event_name;
use super::{BaseHookEvent, HookCallback, HookRegistry, HookResult};
use crate::error::{BoxError, Error, ErrorKind};
use crate::interrupt::{BadAnswer, Interrupt, InterruptException};

/// Calls all callbacks for an event, one after the other; gives the questions that were raised. The
/// first failure of a callback that may change something ends it.
pub(crate) async fn dispatch<E: BaseHookEvent>(
    registry: &HookRegistry,
    event: &mut E,
) -> Result<Vec<Interrupt>, Error> {
    let mut raised = Vec::new();
    // The event is changed while the list is walked; the list itself can't change meanwhile.
    let order: Vec<&HookCallback<E>> = registry.get_callbacks_for(event).collect();
    for (number, callback) in order.into_iter().enumerate() {
        enter(event, number);
        let outcome = match &callback.shape {
            // Called within the guard: what makes a future may panic as well as the future.
            Shape::ChangeAsync(call) => guard(async { call(event).await }).await,
            Shape::ObserveAsync(call) => guard(async { call(event).await }).await,
            _ => call_now(callback, event),
        };
        settle(callback, event, outcome, &mut raised)?;
    }
    Ok(raised)
}

/// The same where no callback is async.
pub(super) fn dispatch_now<E: BaseHookEvent>(
    registry: &HookRegistry,
    event: &mut E,
) -> Result<Vec<Interrupt>, Error> {
    let mut raised = Vec::new();
    let order: Vec<&HookCallback<E>> = registry.get_callbacks_for(event).collect();
    for (number, callback) in order.into_iter().enumerate() {
        enter(event, number);
        let outcome = call_now(callback, event);
        settle(callback, event, outcome, &mut raised)?;
    }
    Ok(raised)
}

fn enter<E: BaseHookEvent>(event: &E, number: usize) {
    if let Some(scope) = event.interrupt_scope() {
        scope.enter(number);
    }
}

fn call_now<E>(callback: &HookCallback<E>, event: &mut E) -> HookResult {
    let called = catch_unwind(AssertUnwindSafe(|| match &callback.shape {
        Shape::Observe(call) => call(event),
        Shape::Change(call) => call(event),
        Shape::ObserveAsync(_) | Shape::ChangeAsync(_) => {
            Err("an async callback can't be called without awaiting it".into())
        }
    }));
    called.unwrap_or_else(|panic| Err(panic_error(&*panic)))
}

async fn guard(future: impl Future<Output = HookResult>) -> HookResult {
    let called = AssertUnwindSafe(future).catch_unwind().await;
    called.unwrap_or_else(|panic| Err(panic_error(&*panic)))
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

/// Sorts out how a callback ended: well, with a question, or not well.
fn settle<E: BaseHookEvent>(
    callback: &HookCallback<E>,
    event: &E,
    outcome: HookResult,
    raised: &mut Vec<Interrupt>,
) -> Result<(), Error> {
    let Err(error) = outcome else { return Ok(()) };
    let fail = |error: BoxError| {
        let text = format!("hook `{}` failed at {}: {error}", callback.name(), event_name::<E>());
        Error::new(ErrorKind::Hook, text).with_source(error)
    };
    if callback.kind() == CallbackKind::Observer {
        tracing::error!("{} (it only observes: the run goes on)", fail(error));
        return Ok(());
    }
    let interrupt = match raised_by(error) {
        Ok(interrupt) => interrupt,
        Err(error) => return Err(fail(error)),
    };
    if event.interrupt_scope().is_none() {
        return Err(fail("this event can't be interrupted".into()));
    }
    if raised.iter().any(|other| other.id == interrupt.id) {
        let name = &interrupt.name;
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
