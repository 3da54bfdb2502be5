//! The wrap hooks around a tool call; those around a model call are in `model`.

mod model;

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;

use super::Driver;
use super::body::CANCEL_GRACE;
use super::call::Ended;
use super::fire::Asked;
use crate::clock::has_clock;
use crate::error::{BoxError, Error, ErrorKind};
use crate::hook::{
    CallReport, Stopped, ToolBase, ToolCallRequest, ToolNext, WrapToolCall, panic_error, raised_by,
};
use crate::message::{ToolResult, ToolUse};
use crate::run::{CallState, Claim, Finish, Run, Site};
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

    /// A panic is an error; what still runs some time after a cancel is dropped.
    async fn unless_cancelled<T>(
        &self,
        chain: impl Future<Output = Result<T, BoxError>>,
    ) -> Option<Result<T, BoxError>> {
        let chain = AssertUnwindSafe(chain).catch_unwind();
        let too_late = async {
            self.cancel.cancelled().await;
            // Without a clock nobody waits. What is wrapped has its own time first.
            if has_clock() {
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
