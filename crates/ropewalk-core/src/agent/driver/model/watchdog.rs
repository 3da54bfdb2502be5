//! Noticing that a model says nothing any more.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Error, ErrorKind};
use crate::model::ModelTimeouts;

/// Notices that a model says nothing any more.
pub(super) struct Watchdog {
    timeouts: ModelTimeouts,
    has_clock: bool,
    has_begun: bool,
    /// Whether something came since it was last waited for. The clock is read when the wait begins, and not for each
    /// piece.
    was_fed: bool,
    last: Instant,
    /// There from the first wait on, for an answer that is there at once needs none. It goes off no later than a limit
    /// is over, and is set again as rarely as can be: most of the time it does not go off.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Watchdog {
    /// Without a clock it notices nothing.
    pub(super) fn new(timeouts: ModelTimeouts, has_clock: bool) -> Self {
        let last = Instant::now();
        Self { timeouts, has_clock, has_begun: false, was_fed: false, last, timer: None }
    }

    /// A piece of the answer came.
    pub(super) fn fed(&mut self) {
        self.was_fed = true;
        self.has_begun = true;
    }

    /// Time went by that is none of the model's.
    pub(super) fn excuse(&mut self, time: Duration) {
        self.last += time;
    }

    /// Ready when nothing came for too long; gives how long that was.
    pub(super) async fn starved(&mut self) -> Duration {
        if std::mem::take(&mut self.was_fed) {
            self.last = Instant::now();
        }
        let limit = self.timeouts.limit(self.has_begun).filter(|_| self.has_clock);
        let due = limit.and_then(|limit| self.last.checked_add(limit));
        // No limit, or one beyond all time.
        let (Some(limit), Some(due)) = (limit, due) else { return std::future::pending().await };
        // When the answer begins, the other limit counts: so it need not be set again then.
        let other = self.timeouts.limit(!self.has_begun);
        let other = other.and_then(|other| self.last.checked_add(other)).unwrap_or(due);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due.min(other))));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            timer.as_mut().await;
            if due <= Instant::now() {
                return limit;
            }
            timer.as_mut().reset(due);
        }
    }
}

/// A call that hangs.
pub(super) fn stalled(model_id: &str, limit: Duration) -> Error {
    let text = format!(
        "the model `{model_id}` sent nothing of its answer for {limit:?}: give it more time with `AgentBuilder::model_timeouts`"
    );
    Error::new(ErrorKind::Timeout, text)
}
