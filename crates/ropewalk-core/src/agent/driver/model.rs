//! One model call, with its hooks: asking until there is an answer that counts.

mod after;
mod before;
mod retry;
mod stream;
mod watchdog;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Driver;
use crate::agent::AgentEvent;
use crate::error::{Error, ErrorKind};
use crate::hook::AfterModelCallEvent;
use crate::message::Usage;
use crate::model::{ModelTurn, StopReason};
use crate::run::{HeldAnswer, Record, Site, Step, is_direct_call};

use after::After;
use before::Before;

/// How a model call ended.
pub(super) enum Called {
    Answered(Box<ModelTurn>),
    /// With what it used all the same.
    Failed(Error, Usage),
    Cancelled(String, Usage),
    /// A question was asked.
    Asked,
}

impl Called {
    pub(super) fn usage(&self) -> Usage {
        match self {
            Self::Answered(turn) => turn.usage,
            Self::Failed(_, usage) | Self::Cancelled(_, usage) => *usage,
            Self::Asked => Usage::default(),
        }
    }
}

/// What became of an answer or a failure.
enum Settled {
    /// It counts, or a question was asked.
    Done,
    /// A hook threw it away.
    Again,
    /// It is a failure, and the phase is such that the model can be asked again.
    Failed(Error),
}

impl Driver<'_> {
    /// Asks the model until it has answered and no hook wants another answer.
    pub(super) async fn ask_model(&self) -> Result<(), Error> {
        if self.at_limit().await? {
            return Ok(());
        }
        self.begin_cycle();
        self.sink.send(|| AgentEvent::Start);
        self.sink.send(|| AgentEvent::StartEventLoop);
        let mut attempt = 1;
        loop {
            let called = match self.before_model_call().await {
                Ok(Before::Go) => self.call_model().await,
                Ok(Before::Denied(turn)) => Called::Answered(turn),
                Ok(Before::Asked) => Called::Asked,
                Err(error) => Called::Failed(error, Usage::default()),
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
                Called::Answered(turn) => Ok(turn),
                Called::Failed(error, usage) => {
                    self.spend(usage).await?;
                    Err(error)
                }
                Called::Asked => return Ok(()),
                Called::Cancelled(text, usage) => {
                    let error = Error::new(ErrorKind::Cancelled, "the invocation was cancelled");
                    // What was begun is announced as ended, also now.
                    let announced = self.announce_cancelled(error).await;
                    self.stopped(Some((text, usage))).await?;
                    return announced;
                }
            };
            match self.settle(outcome).await? {
                Settled::Done => return Ok(()),
                Settled::Again => {}
                Settled::Failed(error) => {
                    self.wait_for_retry(attempt, error).await?;
                    attempt += 1;
                }
            }
            let asks_again = matches!(self.run().next(), Step::Model) && !self.is_stopping();
            if !asks_again || self.at_limit().await? {
                return Ok(());
            }
        }
    }

    /// Counts tokens of an answer that counts for nothing.
    async fn spend(&self, usage: Usage) -> Result<(), Error> {
        if usage == Usage::default() {
            return Ok(());
        }
        self.commit(Record::TokensSpent { usage }).await
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
        // It was streamed before the question, also if that was in another process.
        self.shown.store(true, Ordering::Release);
        match self.settle(held.into_outcome()).await? {
            Settled::Done | Settled::Again => Ok(()),
            Settled::Failed(error) => self.wait_for_retry(1, error).await,
        }
    }

    /// Lets an answer or a failure count, unless a hook throws it away or asks.
    async fn settle(&self, outcome: Result<Box<ModelTurn>, Error>) -> Result<Settled, Error> {
        if !self.hooks.listens_to::<AfterModelCallEvent>() {
            return self.counts(outcome).await;
        }
        let outcome = outcome.map(|turn| Arc::new(*turn)).map_err(Arc::new);
        match Box::pin(self.after_model_call(&outcome)).await {
            Ok(After::Asked) => return Ok(Settled::Done),
            Ok(After::Again) => return Ok(Settled::Again),
            Ok(After::Counts) => {}
            Err(error) => {
                // The answer counts for nothing; its tokens are spent.
                if !self.is_held() {
                    self.spend(outcome.map(|turn| turn.usage).unwrap_or_default()).await?;
                }
                return Err(error);
            }
        }
        let own = |turn| Box::new(Arc::unwrap_or_clone(turn));
        self.counts(outcome.map(own).map_err(unshare)).await
    }

    /// Lets an answer or a failure count.
    async fn counts(&self, outcome: Result<Box<ModelTurn>, Error>) -> Result<Settled, Error> {
        match outcome {
            Ok(turn) => self.answered(turn).await.map(|()| Settled::Done),
            Err(error) => {
                if self.is_held() {
                    // The model can be asked again when somebody wants to go on.
                    self.commit(Record::AnswerDropped { usage: Usage::default() }).await?;
                }
                Ok(Settled::Failed(error))
            }
        }
    }

    /// True if what the model answered waits to count.
    fn is_held(&self) -> bool {
        matches!(self.run().next(), Step::Answer(_))
    }

    async fn answered(&self, mut turn: Box<ModelTurn>) -> Result<(), Error> {
        // That reason is the runtime's own: no model and no hook can take it.
        if is_direct_call(&turn.stop_reason) {
            turn.stop_reason = StopReason::ToolUse;
        }
        self.settle_cut_off(&mut turn);
        let index = self.run().transcript().len();
        self.commit(Record::ModelAnswered { turn, discarded: Usage::default() }).await?;
        self.shown.store(false, Ordering::Release);
        if let Some(message) = self.last_from(index) {
            self.sink.send(|| AgentEvent::Message(message));
        }
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
