//! Waiting, in a runtime and without one.

use std::sync::mpsc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Driver;
use crate::clock::has_clock;

impl Driver<'_> {
    /// Waits. Where no runtime keeps the time a thread does, which ends when nobody waits any more.
    pub(super) async fn wait(&self, time: Duration) {
        if has_clock() {
            return tokio::time::sleep(time).await;
        }
        let (done, over) = oneshot::channel();
        let (_waits, nobody_waits) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if nobody_waits.recv_timeout(time) == Err(mpsc::RecvTimeoutError::Timeout) {
                // If nobody takes it, whoever waited is gone just now.
                let _ = done.send(());
            }
        });
        // Either it was sent, or the thread is gone: there is nothing to wait for.
        let _ = over.await;
    }
}
