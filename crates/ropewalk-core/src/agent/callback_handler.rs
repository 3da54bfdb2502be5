//! Code that is told of each event while an invocation runs.

mod composite;
mod printing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::AgentEvent;
use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::{IntoHookResult, panic_error};
use crate::view::AgentResult;

pub use composite::CompositeCallbackHandler;
pub use printing::PrintingCallbackHandler;

/// Is told of each event while an invocation runs (Strands' `callback_handler`): synchronously, before
/// a stream gives the event, and last of the result. It only looks: what is to change or stop a step is
/// a hook.
///
/// Functions of an event are handlers too.
///
/// ```
/// use ropewalk_core::{AgentEvent, CallbackHandler};
///
/// let shout = |event: &AgentEvent| {
///     if let AgentEvent::Text(text) = event {
///         print!("{}", text.to_uppercase());
///     }
/// };
/// shout.on_event(&AgentEvent::Text("hello".into()))?;
/// # Ok::<(), ropewalk_core::BoxError>(())
/// ```
pub trait CallbackHandler: Send + Sync + 'static {
    /// Is told of one event.
    ///
    /// # Errors
    /// Whatever the handler can't go on with. It ends the invocation: what is under way is cancelled,
    /// and the caller gets the error. The handler is not called again for this invocation.
    fn on_event(&self, event: &AgentEvent) -> Result<(), BoxError>;
}

impl<F, R> CallbackHandler for F
where
    F: Fn(&AgentEvent) -> R + Send + Sync + 'static,
    R: IntoHookResult,
{
    fn on_event(&self, event: &AgentEvent) -> Result<(), BoxError> {
        self(event).into_hook_result()
    }
}

impl<H: CallbackHandler + ?Sized> CallbackHandler for Arc<H> {
    fn on_event(&self, event: &AgentEvent) -> Result<(), BoxError> {
        (**self).on_event(event)
    }
}

/// The handler that was chosen; none: nobody is told.
pub(super) type Handler = Option<Arc<dyn CallbackHandler>>;

/// A handler during one invocation.
pub(super) struct Handling {
    handler: Arc<dyn CallbackHandler>,
    failure: Mutex<Option<Error>>,
    cancel: CancellationToken,
}

impl Handling {
    pub(super) fn new(handler: Arc<dyn CallbackHandler>, cancel: CancellationToken) -> Self {
        Self { handler, failure: Mutex::default(), cancel }
    }

    /// Tells the handler, unless it has failed. If it fails now, the invocation is cancelled.
    pub(super) fn show(&self, event: &AgentEvent) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if failure.is_some() {
            return;
        }
        // A panic must not take the run with it.
        let told = catch_unwind(AssertUnwindSafe(|| self.handler.on_event(event)));
        if let Err(error) = told.unwrap_or_else(|panic| Err(panic_error(&*panic))) {
            let text = format!("the callback handler failed: {error}");
            *failure = Some(Error::new(ErrorKind::Hook, text).with_source(error));
            self.cancel.cancel();
        }
    }

    /// Tells the handler the result; its own failure stands in the result's place.
    pub(super) fn finish(&self, result: Result<AgentResult, Error>) -> Result<AgentResult, Error> {
        if let Ok(result) = &result {
            self.show(&AgentEvent::Result(Box::new(result.clone())));
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (result, failure) {
            (result, None) => result,
            (Err(error), Some(failure)) if !error.is_cancelled() => {
                tracing::error!("an invocation failed, and so did {}", failure.report());
                Err(error)
            }
            (_, Some(failure)) => Err(failure),
        }
    }
}
