//! Ctrl-C and its like: the first cancels what runs, a second one leaves.

use std::sync::{Arc, Mutex, PoisonError};

use ropewalk_core::CancelHandle;
use tokio::sync::Notify;

use crate::show;

/// Listens for Ctrl-C, and for the signals that end a process or its terminal, as long as the
/// command runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterruptKey {
    /// What the next one cancels; nothing: it leaves.
    running: Arc<Mutex<Option<CancelHandle>>>,
    leave: Arc<Notify>,
}

impl InterruptKey {
    /// Starts to listen.
    pub(crate) fn listen() -> Self {
        let key = Self::default();
        let listener = key.clone();
        tokio::spawn(async move {
            let Ok(mut signals) = Signals::new() else { return };
            while signals.next().await {
                listener.pressed();
            }
        });
        key
    }

    /// Waits until somebody wants to leave at once. What runs is dropped then, and what it started
    /// ended with it.
    pub(crate) async fn left(&self) {
        self.leave.notified().await;
    }

    /// From now on, until the guard is dropped, Ctrl-C cancels this.
    pub(crate) fn cancels(&self, handle: CancelHandle) -> Armed {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Armed(self.clone())
    }

    fn pressed(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        match running {
            Some(handle) => {
                handle.cancel();
                show::note("cancelling; Ctrl-C again leaves at once");
            }
            None => self.leave.notify_one(),
        }
    }
}

/// What ends a process. Made once: one that arrives while another is being handled is kept.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one; false if none can come any more.
    async fn next(&mut self) -> bool {
        let came = tokio::select! {
            came = self.interrupt.recv() => came,
            came = self.terminate.recv() => came,
            came = self.hangup.recv() => came,
        };
        came.is_some()
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> bool {
        tokio::signal::ctrl_c().await.is_ok()
    }
}

/// Ctrl-C cancels something as long as this lives.
pub(crate) struct Armed(InterruptKey);

impl Drop for Armed {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
