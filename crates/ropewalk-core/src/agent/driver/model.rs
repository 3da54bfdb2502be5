//! One model call, with its hooks: asking until there is an answer that counts.

mod after;
mod before;
mod stream;

use std::sync::Arc;

use super::Driver;
use crate::agent::AgentEvent;
use crate::error::{Error, ErrorKind};
use crate::hook::AfterModelCallEvent;
use crate::message::Usage;
use crate::model::{ModelTurn, StopReason};
use crate::run::{DIRECT_CALL, HeldAnswer, Record, Site, Step};

use after::After;
use before::Before;

/// How a model call ended.
pub(super) enum Called {
    Answered(Box<ModelTurn>),
    Failed(Error),
    Cancelled(String, Usage),
    /// A question was asked.
    Asked,
}

impl Driver<'_> {
    /// Asks the model until it has answered and no hook wants another answer.
    pub(super) async fn ask_model(&self) -> Result<(), Error> {
        self.sink.send(|| AgentEvent::Start);
        self.sink.send(|| AgentEvent::StartEventLoop);
        loop {
            let called = match self.before_model_call().await {
                Ok(Before::Go) => self.call_model().await,
                Ok(Before::Denied(turn)) => Called::Answered(turn),
                Ok(Before::Asked) => Called::Asked,
                Err(error) => Called::Failed(error),
            };
            // A question that came with a cancel was not put.
            let waits = matches!(self.run().next(), Step::Wait(_));
            let called = match called {
                Called::Asked if self.cancel.is_cancelled() && !waits => {
                    Called::Cancelled(String::new(), Usage::default())
                }
                called => called,
            };
            let outcome = match called {
                Called::Answered(turn) => Ok(Arc::new(*turn)),
                Called::Failed(error) => Err(Arc::new(error)),
                Called::Asked => return Ok(()),
                Called::Cancelled(text, usage) => {
                    let error = Error::new(ErrorKind::Cancelled, "the invocation was cancelled");
                    // What was begun is announced as ended, also now.
                    let announced = self.announce_cancelled(error).await;
                    self.cancelled(Some((text, usage))).await?;
                    return announced;
                }
            };
            let goes_on = self.settle(outcome).await?;
            let asks_again = goes_on && matches!(self.run().next(), Step::Model);
            if !asks_again || self.cancel.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// Fires the hooks after a model call that was cancelled: it ends, whatever they want.
    async fn announce_cancelled(&self, error: Error) -> Result<(), Error> {
        if !self.hooks.listens_to::<AfterModelCallEvent>() {
            return Ok(());
        }
        let site = Site::AfterModelCall;
        let place = self.place(&site);
        let make = |frame| AfterModelCallEvent::new(frame, Err(Arc::new(error)));
        let (_, asked) = self.dispatch(&site, place, make).await?;
        if asked.is_some() {
            tracing::warn!("a hook asked a question after a cancel: the cancel goes before it");
        }
        Ok(())
    }

    /// Goes on with an answer, or a failure, that a question kept from counting.
    pub(super) async fn settle_held(&self, held: HeldAnswer) -> Result<(), Error> {
        self.settle(held.into_outcome().map(Arc::new).map_err(Arc::new)).await.map(drop)
    }

    /// Lets an answer or a failure count, unless a hook throws it away or asks; true if it was thrown
    /// away.
    async fn settle(&self, outcome: Result<Arc<ModelTurn>, Arc<Error>>) -> Result<bool, Error> {
        match self.after_model_call(&outcome).await {
            Ok(After::Asked) => return Ok(false),
            Ok(After::Again) => return Ok(true),
            Ok(After::Counts) => {}
            Err(error) => {
                // The answer counts for nothing; its tokens are spent.
                let usage = outcome.map(|turn| turn.usage).unwrap_or_default();
                let held = matches!(self.run().next(), Step::Answer(_));
                if usage != Usage::default() && !held {
                    self.commit(Record::TokensSpent { usage }).await?;
                }
                return Err(error);
            }
        }
        match outcome {
            Ok(turn) => self.answered(Arc::unwrap_or_clone(turn)).await.map(|()| false),
            Err(error) => {
                let held = matches!(self.run().next(), Step::Answer(_));
                if held {
                    // The model can be asked again when somebody wants to go on.
                    self.commit(Record::AnswerDropped { usage: Usage::default() }).await?;
                }
                Err(unshare(error))
            }
        }
    }

    async fn answered(&self, mut turn: ModelTurn) -> Result<(), Error> {
        // That reason is the runtime's own: no model and no hook can take it.
        if turn.stop_reason.as_str() == DIRECT_CALL {
            turn.stop_reason = StopReason::ToolUse;
        }
        let message = Arc::new(turn.message.clone());
        let index = self.run().transcript().len();
        self.commit(Record::ModelAnswered { turn, discarded: Usage::default() }).await?;
        self.sink.send(|| AgentEvent::Message(message));
        self.announce_from(index).await
    }
}

/// The error itself, if no hook kept it; else one that stands for it.
fn unshare(error: Arc<Error>) -> Error {
    Arc::try_unwrap(error).unwrap_or_else(|shared| {
        let error = Error::new(shared.kind(), shared.to_string());
        match shared.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
        .with_source(shared)
    })
}
