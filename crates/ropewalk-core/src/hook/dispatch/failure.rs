//! What becomes of a callback that did not end well, and of one that can't be called.

use std::error::Error as StdError;

use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::callback::CallbackKind;
use crate::hook::event::event_name;
use crate::hook::list::Entry;
use crate::hook::{BaseHookEvent, HookCallback, ObservedEvent};
use crate::interrupt::{BadAnswer, Interrupt, InterruptException, Interrupts};

/// Says which callback must be awaited. Its parameters are plain, so that nothing is put in memory for
/// it where all goes well.
#[cold]
pub(super) fn refused<E>(callbacks: &[Entry<E>], observers: &[Entry<ObservedEvent>]) -> Error {
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

pub(super) fn failed<T: ?Sized>(callback: &HookCallback<T>, event: &str, error: BoxError) -> Error {
    let text = format!("hook `{}` failed at {event}: {error}", callback.name());
    Error::new(ErrorKind::Hook, text).with_source(error)
}

pub(super) fn report(error: &Error) {
    tracing::error!("{error} (it only observes: the run goes on)");
}

/// Sorts out how a callback ended that did not end well: with a question, or with a failure.
#[cold]
pub(super) fn settle<E: BaseHookEvent>(
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
