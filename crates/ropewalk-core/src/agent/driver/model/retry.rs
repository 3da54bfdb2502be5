//! Another attempt after a model call that failed.

use std::sync::atomic::Ordering;

use crate::agent::driver::Driver;
use crate::agent::{AgentEvent, RollbackReason};
use crate::error::Error;

impl Driver<'_> {
    /// Waits for the next attempt after one that failed, counted from 1.
    ///
    /// # Errors
    /// The failure, if no attempt is left or it is none that another one could mend.
    pub(in crate::agent::driver) async fn wait_for_retry(
        &self,
        attempt: u32,
        error: Error,
    ) -> Result<(), Error> {
        let wait = match self.blueprint.retry.wait(attempt, &error) {
            Some(wait) => wait,
            None if attempt > 1 => {
                return Err(error.context(format_args!("the model was asked {attempt} times")));
            }
            None => return Err(error),
        };
        tracing::warn!(attempt, ?wait, "the model is asked again: {}", error.report());
        self.roll_back(RollbackReason::Retry);
        self.sink.send(|| AgentEvent::ThrottledDelay {
            delay: wait,
            attempt,
            error: error.report(),
        });
        tokio::select! {
            biased;
            () = self.stopping() => {}
            () = self.wait(wait) => {}
        }
        Ok(())
    }

    /// Tells the listeners that what was streamed of an answer counts for nothing, if anything was.
    pub(in crate::agent::driver) fn roll_back(&self, reason: RollbackReason) {
        if self.shown.swap(false, Ordering::AcqRel) {
            self.sink.send(|| AgentEvent::Rollback { reason });
        }
    }
}
