//! Stopping an invocation from outside.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// Stops an agent's invocation from anywhere: another task, a signal handler, a hook. Cheap to
/// clone.
///
/// The invocation ends with a result, not with an error: its stop reason is `cancelled`, and what
/// the model had said so far is kept. Cancelling while nothing runs stops the next invocation at
/// its first step.
///
/// ```
/// # use ropewalk_core::CancelHandle;
/// let handle = CancelHandle::default(); // normally `agent.cancel_handle()`
/// handle.cancel();
/// assert!(handle.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct CancelHandle(Arc<Mutex<CancellationToken>>);

impl CancelHandle {
    /// Stops the current invocation, or the next one.
    pub fn cancel(&self) {
        self.token().cancel();
    }

    /// True from a cancel to the end of the invocation that it stops.
    pub fn is_cancelled(&self) -> bool {
        self.token().is_cancelled()
    }

    pub(super) fn token(&self) -> CancellationToken {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn renew_on_drop(&self) -> impl Drop + Send + use<> {
        Renew(self.clone())
    }
}

struct Renew(CancelHandle);

impl Drop for Renew {
    fn drop(&mut self) {
        let mut token = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever still works for this invocation is told that nobody waits any more.
        token.cancel();
        *token = CancellationToken::new();
    }
}
