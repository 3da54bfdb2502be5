//! After a model call: the hooks, which may want another answer.

use std::sync::Arc;

use crate::agent::RollbackReason;
use crate::agent::driver::Driver;
use crate::error::Error;
use crate::hook::AfterModelCallEvent;
use crate::model::ModelTurn;
use crate::run::{HeldAnswer, Record, Site, Step};

/// What the hooks after a model call made of it.
pub(super) enum After {
    Counts,
    Again,
    Asked,
}

impl Driver<'_> {
    /// Fires the hooks after a model call.
    pub(super) async fn after_model_call(
        &self,
        outcome: &Result<Arc<ModelTurn>, Arc<Error>>,
    ) -> Result<After, Error> {
        let site = Site::AfterModelCall;
        let place = self.place(&site);
        let make = |frame| AfterModelCallEvent::new(frame, outcome.clone());
        let (event, asked) = self.dispatch(&site, place, make).await?;
        if let Some(asked) = asked {
            let held = matches!(self.run().next(), Step::Answer(_));
            if !held {
                let held = match outcome {
                    Ok(turn) => HeldAnswer::Answered(Box::new(ModelTurn::clone(turn))),
                    Err(error) => HeldAnswer::failed(error),
                };
                self.commit(Record::AnswerHeld { held }).await?;
            }
            self.ask(site, asked).await?;
            return Ok(After::Asked);
        }
        let Some(guidance) = event.into_retry() else { return Ok(After::Counts) };
        let usage = outcome.as_ref().map(|turn| turn.usage).unwrap_or_default();
        self.commit(Record::AnswerDropped { usage }).await?;
        self.roll_back(RollbackReason::Hook);
        self.guide(guidance).await?;
        Ok(After::Again)
    }
}
