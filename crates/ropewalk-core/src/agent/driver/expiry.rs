//! Questions that nobody answers in time.

use std::time::{Duration, SystemTime};

use super::Driver;
use crate::error::Error;
use crate::hook::InterruptExpiringEvent;
use crate::run::{Question, Record};

impl Driver<'_> {
    /// Lets what stands for the lack of an answer take its place, where the time is over.
    pub(in crate::agent) async fn settle_expired(&self) -> Result<(), Error> {
        let now = self.now_ms();
        let late = |question: &&Question| {
            question.is_open() && question.expires_at_ms().is_some_and(|at| at <= now)
        };
        let interrupt_ids: Vec<String> = {
            let run = self.run();
            run.questions().iter().filter(late).map(|late| late.interrupt.id.clone()).collect()
        };
        if interrupt_ids.is_empty() {
            return Ok(());
        }
        for id in &interrupt_ids {
            tracing::warn!(id, "nobody answered this question in time");
        }
        self.commit(Record::Expired { interrupt_ids }).await
    }

    /// Announces the questions that expire soon, each once.
    pub(in crate::agent) async fn announce_expiry(&self) -> Result<(), Error> {
        let now = self.now_ms();
        let soon: Vec<(Question, u64)> = {
            let run = self.run();
            let soon = run.questions().iter().filter_map(|question| {
                let terms = question.terms.as_ref()?;
                let due = question.is_open() && !question.announced && terms.warn_at_ms()? <= now;
                due.then_some((question.clone(), terms.expires_at_ms()?))
            });
            soon.collect()
        };
        for (question, at) in soon {
            let interrupt = question.interrupt;
            // Noted first: told twice would be worse than told once and stopped.
            let interrupt_ids = vec![interrupt.id.clone()];
            self.commit(Record::ExpiryAnnounced { interrupt_ids }).await?;
            if self.hooks.listens_to::<InterruptExpiringEvent>() {
                let expires_at = SystemTime::UNIX_EPOCH + Duration::from_millis(at);
                let remaining = Duration::from_millis(at.saturating_sub(now));
                let event =
                    InterruptExpiringEvent::new(self.view(), interrupt, expires_at, remaining);
                self.hooks.invoke_callbacks_async(event).await?;
            }
        }
        Ok(())
    }
}
