//! What stops an invocation from outside: a cancel, the caller's own token, the end of its time.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Driver;
use crate::clock::has_clock;
use crate::error::Error;
use crate::message::Usage;
use crate::run::{Record, Step};

/// Why work is stopped that still runs.
enum Why {
    Caller,
    Time,
}

impl Driver<'_> {
    /// Does work, and stops it when the caller's own token says so or its time is over.
    pub(super) async fn watched<T>(
        &self,
        work: impl Future<Output = T>,
        time_left: Option<Duration>,
    ) -> T {
        if time_left.is_none() && self.given.cancel.is_none() {
            return work.await;
        }
        let mut work = pin!(work);
        let why = tokio::select! {
            biased;
            why = self.to_be_stopped(time_left) => why,
            ended = &mut work => return ended,
        };
        // Whatever stopped it first counts.
        if matches!(why, Why::Time) && !self.is_stopping() {
            self.out_of_time.store(true, Ordering::Release);
        }
        self.cancel.cancel();
        work.await
    }

    async fn to_be_stopped(&self, time_left: Option<Duration>) -> Why {
        let caller = async {
            match &self.given.cancel {
                Some(token) => token.cancelled().await,
                None => std::future::pending().await,
            }
        };
        let time = async {
            match time_left.filter(|_| has_clock()) {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = caller => Why::Caller,
            () = time => Why::Time,
        }
    }

    /// True if nothing but tools that run may go on.
    pub(super) fn is_stopping(&self) -> bool {
        self.after_tools.is_given() || self.cancel.is_cancelled()
    }

    /// Ready when nothing but tools that run may go on.
    pub(super) async fn stopping(&self) {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            () = self.after_tools.given() => {}
        }
    }

    /// True if what stopped the work is the end of its time.
    pub(super) fn is_out_of_time(&self) -> bool {
        self.out_of_time.load(Ordering::Acquire)
    }

    /// True if the next step must not be made.
    pub(super) fn must_stop(&self) -> bool {
        self.cancel.is_cancelled()
            || self.after_tools.is_given() && !matches!(self.run().next(), Step::Tools(_))
    }

    /// Makes nothing of hooks that were dropped because they did not end after a cancel: the cancel is
    /// what happened.
    pub(super) fn unless_stopped(&self, step: Result<(), Error>) -> Result<(), Error> {
        match step {
            Err(error) if error.is_cancelled() && self.cancel.is_cancelled() => {
                tracing::warn!("{}", error.report());
                Ok(())
            }
            step => step,
        }
    }

    /// Ends the invocation because it was stopped. `partial` is what the model had said.
    pub(super) async fn stopped(&self, partial: Option<(String, Usage)>) -> Result<(), Error> {
        if !matches!(
            self.run().next(),
            Step::Model | Step::Answer(_) | Step::Tools(_) | Step::Output(_)
        ) {
            return Ok(());
        }
        let limits = *self.run().limits();
        if self.is_out_of_time()
            && let Some(reached) = limits.out_of_time()
        {
            return self.end_at(reached, partial.unwrap_or_default()).await;
        }
        self.note_cut_off();
        let (said, usage) = partial.unwrap_or_default();
        let last_word = self.agent.cancel.message();
        let said = Some(said).filter(|said| !said.trim().is_empty());
        let text = match (said, &last_word) {
            (Some(said), Some(word)) => format!("{said}\n{word}"),
            (Some(text), None) => text,
            (None, Some(word)) => word.clone(),
            (None, None) => "Cancelled by user".to_owned(),
        };
        self.end_with(Record::Cancelled { text, last_word, usage }).await
    }
}
