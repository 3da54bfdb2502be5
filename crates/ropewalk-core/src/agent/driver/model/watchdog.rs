//! Noticing that a model says nothing any more.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

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
    /// Set again only when it goes off: most of the time it does not.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Watchdog {
    /// Without a clock it notices nothing.
    pub(super) fn new(timeouts: ModelTimeouts, has_clock: bool) -> Self {
        let first = timeouts.limit(false).filter(|_| has_clock);
        Self {
            timeouts,
            has_clock,
            has_begun: false,
            was_fed: false,
            last: Instant::now(),
            timer: first.map(|limit| Box::pin(sleep(limit))),
        }
    }

    /// A piece of the answer came.
    pub(super) fn fed(&mut self) {
        self.was_fed = true;
        if !self.has_begun {
            self.has_begun = true;
            let limit = self.timeouts.limit(true).filter(|_| self.has_clock);
            self.timer = limit.map(|limit| Box::pin(sleep(limit)));
        }
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
        let (Some(timer), Some(limit)) = (&mut self.timer, self.timeouts.limit(self.has_begun))
        else {
            return std::future::pending().await;
        };
        loop {
            timer.as_mut().await;
            let due = self.last + limit;
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
