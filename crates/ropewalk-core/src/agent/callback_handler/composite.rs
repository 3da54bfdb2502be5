//! Several handlers as one.

use std::fmt;
use std::sync::Arc;

use super::CallbackHandler;
use crate::agent::AgentEvent;
use crate::error::BoxError;

/// Tells several handlers, in this order (Strands' `CompositeCallbackHandler`). The first one that
/// fails ends it: those behind it are not told of that event.
///
/// ```
/// use ropewalk_core::{AgentEvent, CallbackHandler, CompositeCallbackHandler, PrintingCallbackHandler};
///
/// let both = CompositeCallbackHandler::new()
///     .with(PrintingCallbackHandler::new())
///     .with(|event: &AgentEvent| assert!(matches!(event, AgentEvent::Start)));
/// both.on_event(&AgentEvent::Start)?;
/// # Ok::<(), ropewalk_core::BoxError>(())
/// ```
#[derive(Clone, Default)]
pub struct CompositeCallbackHandler {
    handlers: Vec<Arc<dyn CallbackHandler>>,
}

impl CompositeCallbackHandler {
    /// Tells nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a handler behind the others.
    #[must_use]
    pub fn with(mut self, handler: impl CallbackHandler) -> Self {
        self.handlers.push(Arc::new(handler));
        self
    }
}

impl CallbackHandler for CompositeCallbackHandler {
    fn on_event(&self, event: &AgentEvent) -> Result<(), BoxError> {
        self.handlers.iter().try_for_each(|handler| handler.on_event(event))
    }
}

impl fmt::Debug for CompositeCallbackHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompositeCallbackHandler").field("handlers", &self.handlers.len()).finish()
    }
}
