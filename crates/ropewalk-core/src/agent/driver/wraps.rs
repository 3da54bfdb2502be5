//! The wrap hooks around a model call and around a tool call.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;

use super::Driver;
use super::body::CANCEL_GRACE;
use super::call::Ended;
use super::fire::Asked;
use super::model::Called;
use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::{
    CallReport, ModelBase, ModelCallRequest, ModelNext, Stopped, ToolBase, ToolCallRequest,
    ToolNext, WrapModelCall, WrapToolCall, panic_error, raised_by,
};
use crate::interrupt::{Interrupt, InterruptScope};
use crate::limits::Money;
use crate::message::{ToolResult, ToolUse, Usage};
use crate::model::{Model, ModelRequest, ModelTurn};
use crate::run::{CallState, Claim, Finish, Record, Run, Site};
use crate::tool::{BoxFuture, Tool};

/// What was done of a call before, in this process or another.
pub(super) enum Earlier {
    /// Nothing.
    Nothing,
    /// It was claimed; nobody knows whether it ran, and it may be made again.
    Claimed(Claim),
    /// It has run.
    Returned(Claim, ToolResult),
}

/// How a chain of wrap hooks around the model ended, with what it spent.
enum Chained {
    Answered(Box<ModelTurn>),
    Cancelled(String, Usage),
    Failed(BoxError, Usage),
}

impl Driver<'_> {
    /// Makes a tool call through its wrap hooks. None: a question was asked, or nothing is to begin
    /// any more.
    pub(super) async fn wrapped(
        &self,
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        earlier: Earlier,
    ) -> Result<Option<Ended>, Error> {
        match self.hooks.tool_wraps() {
            [] => self.innermost(tool, tool_use, earlier).await,
            // On the heap: calls without wrap hooks would have room for it too.
            wraps => Box::pin(self.through_wraps(wraps, tool, tool_use, earlier)).await,
        }
    }

    async fn through_wraps(
        &self,
        wraps: &[Arc<dyn WrapToolCall>],
        tool: Arc<dyn Tool>,
        tool_use: Arc<ToolUse>,
        earlier: Earlier,
    ) -> Result<Option<Ended>, Error> {
        let id = tool_use.tool_use_id.clone();
        let scope = self.scope(&Site::call(&id), Run::tool_wrap_place(&id));
        let (view, state) = (self.view(), self.state.clone());
        let request = ToolCallRequest::new(
            Arc::clone(&tool),
            Arc::clone(&tool_use),
            view,
            state,
            scope.clone(),
        );
        let base = CallBase { driver: self, state: Mutex::new(BaseState::new(earlier)) };
        let chain = ToolNext::new(wraps, &base).run(request);
        let outcome = self.unless_cancelled(chain).await;
        let BaseState { last, failure, stopped, running, .. } =
            base.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        // What stopped the step stops it, whatever the hooks made of that.
        if let Some(error) = failure {
            return Err(error);
        }
        let outcome = match outcome {
            Some(outcome) if !stopped => outcome,
            _ => return Ok(None),
        };
        if running && let Some(claim) = self.claim_of(&id) {
            // The hook gave the call up while it ran: whatever it says, nobody knows what came of it.
            return Ok(Some(self.unknown_outcome(&tool_use, &claim)));
        }
        let result = match outcome {
            Ok(result) => result,
            Err(error) => {
                let interrupt = raised_by(error).map_err(failed)?;
                // What has run must not run again because of a question that came after it.
                let site = self.asking_site(&id);
                self.ask(site, Asked::of(vec![interrupt], &scope)).await?;
                return Ok(None);
            }
        };
        if result.tool_use_id != id {
            let other = &result.tool_use_id;
            let text =
                format!("a wrap hook gave tool use `{id}` the result of `{other}`: keep the id");
            return Err(Error::new(ErrorKind::Hook, text));
        }
        Ok(Some(match last {
            Some(ended) => Ended { result, ..ended },
            None => Ended {
                tool: Some(tool),
                tool_use,
                result,
                finish: Finish::Replaced,
                report: CallReport::default(),
            },
        }))
    }

    /// The claim of a call that may have run.
    fn claim_of(&self, tool_use_id: &str) -> Option<Claim> {
        let run = self.run();
        let call = run.calls().iter().find(|call| call.tool_use.tool_use_id == tool_use_id)?;
        match &call.state {
            CallState::Claimed(claim) => Some(claim.clone()),
            _ => None,
        }
    }

    /// Asks the model through the wrap hooks.
    pub(super) async fn call_model(&self) -> Called {
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
    pub(super) async fn call_model_beside(&self, request: ModelRequest) -> (Called, Money) {
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

    /// A panic is an error; what still runs some time after a cancel is dropped.
    async fn unless_cancelled<T>(
        &self,
        chain: impl Future<Output = Result<T, BoxError>>,
    ) -> Option<Result<T, BoxError>> {
        let chain = AssertUnwindSafe(chain).catch_unwind();
        let too_late = async {
            self.cancel.cancelled().await;
            // Without a runtime there is no clock to wait by. What is wrapped has its own time first.
            if tokio::runtime::Handle::try_current().is_ok() {
                tokio::time::sleep(CANCEL_GRACE * 2).await;
            }
        };
        tokio::select! {
            biased;
            outcome = chain => Some(outcome.unwrap_or_else(|panic| Err(panic_error(&*panic)))),
            () = too_late => None,
        }
    }
}

/// A failure of a wrap hook itself.
fn failed(error: BoxError) -> Error {
    Error::new(ErrorKind::Hook, error.to_string()).with_source(error)
}

/// The error of a model as it was; any other is that of the hook.
fn model_error(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => failed(error),
    }
}

/// Guards, claim and effect, for the innermost wrap hook.
struct CallBase<'d> {
    driver: &'d Driver<'d>,
    state: Mutex<BaseState>,
}

struct BaseState {
    earlier: Earlier,
    /// How the call ended the last time it was made.
    last: Option<Ended>,
    failure: Option<Error>,
    stopped: bool,
    /// It is being made, or was given up while it was.
    running: bool,
}

impl BaseState {
    fn new(earlier: Earlier) -> Self {
        Self { earlier, last: None, failure: None, stopped: false, running: false }
    }
}

impl CallBase<'_> {
    fn lock(&self) -> MutexGuard<'_, BaseState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ToolBase for CallBase<'_> {
    fn run(&self, request: ToolCallRequest) -> BoxFuture<'_, Result<ToolResult, BoxError>> {
        Box::pin(async move {
            let earlier = {
                let mut state = self.lock();
                if state.stopped || state.failure.is_some() {
                    return Err(Stopped.into());
                }
                // Nobody knows whether it ran: it is not made again, whoever wants it.
                if let Some(ended) =
                    state.last.as_ref().filter(|last| last.finish == Finish::Unknown)
                {
                    return Ok(ended.result.clone());
                }
                if state.running {
                    let text = "a wrap hook made one call twice at once, or gave it up while it ran: a call is made once at a time, and to its end";
                    state.failure = Some(Error::new(ErrorKind::Hook, text));
                    return Err(Stopped.into());
                }
                state.running = true;
                std::mem::replace(&mut state.earlier, Earlier::Nothing)
            };
            let (tool, tool_use) = request.into_parts();
            let ended = self.driver.innermost(tool, tool_use, earlier).await;
            let mut state = self.lock();
            // Not reached if the hook gave it up.
            state.running = false;
            match ended {
                Ok(Some(ended)) => {
                    let result = ended.result.clone();
                    state.last = Some(ended);
                    Ok(result)
                }
                Ok(None) => {
                    state.stopped = true;
                    Err(Stopped.into())
                }
                Err(error) => {
                    state.failure = Some(error);
                    Err(Stopped.into())
                }
            }
        })
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
