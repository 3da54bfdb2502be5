//! Stopping an invocation from outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
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
pub struct CancelHandle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Made when somebody asks for them: an agent that waits for work has none.
    stops: Option<Stops>,
    message: Option<String>,
}

/// What stops an invocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Stops {
    /// Everything, at once.
    pub(super) now: CancellationToken,
    /// Everything but tools that run.
    pub(super) after_tools: Signal,
}

/// Something that happens once. To look whether it has takes no lock, unlike with a [`CancellationToken`]: that is done
/// for each piece of an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Signal(Arc<Happened>);

#[derive(Debug, Default)]
struct Happened {
    has: AtomicBool,
    waits: Notify,
}

impl Signal {
    fn give(&self) {
        self.0.has.store(true, Ordering::Release);
        self.0.waits.notify_waiters();
    }

    pub(super) fn is_given(&self) -> bool {
        self.0.has.load(Ordering::Acquire)
    }

    pub(super) async fn given(&self) {
        // Woken from here on, before anybody looks.
        let waits = self.0.waits.notified();
        if !self.is_given() {
            waits.await;
        }
    }
}

impl CancelHandle {
    /// Stops the current invocation, or the next one. Model and retries are stopped at once; hooks and
    /// tools that run are told, and dropped if they go on for more than a moment.
    pub fn cancel(&self) {
        self.stops().now.cancel();
    }

    /// The same with a text that stands as the assistant's last message (Strands'
    /// `cancel(message=…)`), behind what the model had said. The first one counts.
    pub fn cancel_with(&self, message: impl Into<String>) {
        self.say(message.into());
        self.cancel();
    }

    /// Lets the tools that run come to their end, with their results, and stops then (Strands'
    /// `cancel(after_current_tools=True)`). If no tools run, it is a [`cancel`](Self::cancel).
    pub fn cancel_after_tools(&self) {
        self.stops().after_tools.give();
    }

    /// The same with a text that stands as the assistant's last message.
    pub fn cancel_after_tools_with(&self, message: impl Into<String>) {
        self.say(message.into());
        self.cancel_after_tools();
    }

    /// True from a cancel of any kind to the end of the invocation that it stops.
    pub fn is_cancelled(&self) -> bool {
        let state = self.lock();
        let stopped = |it: &Stops| it.now.is_cancelled() || it.after_tools.is_given();
        state.stops.as_ref().is_some_and(stopped)
    }

    pub(super) fn stops(&self) -> Stops {
        self.lock().stops.get_or_insert_default().clone()
    }

    pub(super) fn message(&self) -> Option<String> {
        self.lock().message.clone()
    }

    pub(super) fn renew_on_drop(&self) -> impl Drop + Send + use<> {
        Renew(self.clone())
    }

    fn say(&self, message: String) {
        self.lock().message.get_or_insert(message);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Renew(CancelHandle);

impl Drop for Renew {
    fn drop(&mut self) {
        // Whoever still works for this invocation is told that nobody waits any more.
        let ended = std::mem::take(&mut *self.0.lock());
        if let Some(stops) = ended.stops {
            stops.now.cancel();
        }
    }
}
