//! The wrap hooks around a model call.

use std::sync::{Arc, Mutex, PoisonError};

use super::failed;
use crate::agent::driver::Driver;
use crate::agent::driver::fire::Asked;
use crate::agent::driver::model::Called;
use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::{ModelBase, ModelCallRequest, ModelNext, Stopped, WrapModelCall, raised_by};
use crate::interrupt::{Interrupt, InterruptScope};
use crate::limits::Money;
use crate::message::Usage;
use crate::model::{Model, ModelRequest, ModelTurn};
use crate::run::{Record, Site};
use crate::tool::BoxFuture;

/// How a chain of wrap hooks around the model ended, with what it spent.
enum Chained {
    Answered(Box<ModelTurn>),
    Cancelled(String, Usage),
    Failed(BoxError, Usage),
}

impl Driver<'_> {
    /// Asks the model through the wrap hooks.
    pub(in crate::agent::driver) async fn call_model(&self) -> Called {
        let request = self.model_request();
        match self.hooks.model_wraps() {
            [] => self.stream_answer(&*self.blueprint.model, request).await,
            wraps => Box::pin(self.call_through_wraps(wraps, request)).await,
        }
    }

    async fn call_through_wraps(
        &self,
        wraps: &[Arc<dyn WrapModelCall>],
        request: ModelRequest,
    ) -> Called {
        let scope = self.model_scope();
        let (ended, AnswerState { calls, .. }) = self.model_chain(wraps, request, &scope).await;
        match ended {
            Chained::Answered(turn) => {
                if calls == 0 {
                    self.announce_answer(&turn).await;
                }
                Called::Answered(turn)
            }
            Chained::Cancelled(text, usage) => Called::Cancelled(text, usage),
            Chained::Failed(error, spent) => match self.settle_failed(error, spent, &scope).await {
                Ok(()) => Called::Asked,
                Err(error) => Called::Failed(error, Usage::default()),
            },
        }
    }

    /// Asks the model through the wrap hooks where nothing is kept, and nobody can be asked. Gives what that cost, too:
    /// a wrap may have asked another model.
    pub(in crate::agent::driver) async fn call_model_beside(
        &self,
        request: ModelRequest,
    ) -> (Called, Money) {
        let wraps = self.hooks.model_wraps();
        if wraps.is_empty() {
            let model = &*self.blueprint.model;
            let called = self.stream_answer(model, request).await;
            let cost = self.cost_of(model, called.usage());
            return (called, cost);
        }
        let scope = self.model_scope();
        let chain = Box::pin(self.model_chain(wraps, request, &scope)).await;
        let (ended, AnswerState { calls, cost, .. }) = chain;
        let called = match ended {
            Chained::Answered(turn) => {
                if calls == 0 {
                    self.announce_answer(&turn).await;
                }
                Called::Answered(turn)
            }
            Chained::Cancelled(text, usage) => Called::Cancelled(text, usage),
            Chained::Failed(error, spent) => {
                let error = match raised_by(error) {
                    Ok(Interrupt { name, .. }) => {
                        let text =
                            format!("a question can't be asked beside the conversation: `{name}`");
                        Error::new(ErrorKind::Hook, text)
                    }
                    Err(error) => model_error(error),
                };
                Called::Failed(error, spent)
            }
        };
        (called, cost)
    }

    fn cost_of(&self, model: &dyn Model, usage: Usage) -> Money {
        let price = self.blueprint.prices.get(model.id());
        price.map(|price| price.of(usage)).unwrap_or_default()
    }

    fn model_scope(&self) -> InterruptScope {
        let place = self.run().model_wrap_place();
        self.scope(&Site::BeforeModelCall, place)
    }

    /// Runs the wrap hooks around the model; gives what it was asked, too.
    async fn model_chain(
        &self,
        wraps: &[Arc<dyn WrapModelCall>],
        request: ModelRequest,
        scope: &InterruptScope,
    ) -> (Chained, AnswerState) {
        let (view, state) = (self.view(), self.state.clone());
        let request = ModelCallRequest::new(request, view, state, scope.clone());
        let base = AnswerBase { driver: self, state: Mutex::default() };
        let chain = ModelNext::new(wraps, &base).run(request);
        let outcome = self.unless_cancelled(chain).await;
        let mut state = base.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let spent = state.spent;
        let ended = match (state.cancelled.take(), outcome) {
            (Some((text, usage)), _) => Chained::Cancelled(text, usage),
            (None, None) => Chained::Cancelled(String::new(), spent),
            (None, Some(Ok(mut turn))) => {
                // Each token is counted once: an answer from a cache cost nothing now.
                turn.usage = spent;
                Chained::Answered(Box::new(turn))
            }
            (None, Some(Err(error))) => Chained::Failed(error, spent),
        };
        (ended, state)
    }

    /// Counts what a chain without an answer spent, and puts its question if it has one.
    async fn settle_failed(
        &self,
        error: BoxError,
        spent: Usage,
        scope: &InterruptScope,
    ) -> Result<(), Error> {
        if spent != Usage::default() {
            self.commit(Record::TokensSpent { usage: spent }).await?;
        }
        let interrupt = raised_by(error).map_err(model_error)?;
        self.ask(Site::BeforeModelCall, Asked::of(vec![interrupt], scope)).await
    }
}

/// The error of a model as it was; any other is that of the hook.
fn model_error(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => failed(error),
    }
}

/// The model, for the innermost wrap hook.
struct AnswerBase<'d> {
    driver: &'d Driver<'d>,
    state: Mutex<AnswerState>,
}

#[derive(Default)]
struct AnswerState {
    calls: u32,
    spent: Usage,
    cost: Money,
    cancelled: Option<(String, Usage)>,
}

impl ModelBase for AnswerBase<'_> {
    fn run(
        &self,
        model: Option<Arc<dyn Model>>,
        request: ModelRequest,
    ) -> BoxFuture<'_, Result<ModelTurn, BoxError>> {
        Box::pin(async move {
            let model = model.unwrap_or_else(|| Arc::clone(&self.driver.blueprint.model));
            let called = self.driver.stream_answer(&*model, request).await;
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.calls += 1;
            let cost = self.driver.cost_of(&*model, called.usage());
            state.cost = state.cost.saturating_add(cost);
            match called {
                Called::Answered(turn) => {
                    state.spent += turn.usage;
                    Ok(*turn)
                }
                Called::Failed(error, usage) => {
                    state.spent += usage;
                    Err(error.into())
                }
                Called::Cancelled(text, mut usage) => {
                    usage += state.spent;
                    state.cancelled = Some((text, usage));
                    Err(Error::new(ErrorKind::Cancelled, "the invocation was cancelled").into())
                }
                Called::Asked => Err(Stopped.into()),
            }
        })
    }
}
