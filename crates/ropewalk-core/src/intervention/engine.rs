//! Asking the policies of one stage, and doing what they say.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::policy::{Judge, OnError, Policy};
use super::stage::Stage;
use super::verdict::{Action, Confirm, Verdict, VerdictResult};
use crate::error::BoxError;
use crate::hook::{HookResult, panic_error, raised_by};
use crate::interrupt::InterruptException;
use crate::tool::BoxFuture;

/// The policies that have something to say at one stage, in their order.
pub(super) struct Panel<E> {
    members: Vec<Member<E>>,
}

struct Member<E> {
    policy: Policy,
    judge: Judge<E>,
}

/// What follows from one verdict.
enum Next {
    /// The next policy is asked.
    GoOn,
    /// So it is, and the model will be told this.
    Tell(String),
    /// It does not happen, and nobody else is asked.
    Refuse(String),
}

impl<E: Stage> Panel<E> {
    /// The policies that care about this stage; none if no one does.
    pub(super) fn of(policies: &[Policy]) -> Option<Self> {
        let member = |policy: &Policy| {
            let judge = E::judge(policy)?.clone();
            Some(Member { policy: policy.clone(), judge })
        };
        let members: Vec<_> = policies.iter().filter_map(member).collect();
        (!members.is_empty()).then_some(Self { members })
    }

    /// Asks them one after the other.
    pub(super) async fn judge(&self, event: &mut E) -> HookResult {
        let mut guidance = Vec::new();
        for member in &self.members {
            match member.step(event, !guidance.is_empty()).await? {
                Next::GoOn => {}
                Next::Tell(line) => guidance.push(line),
                Next::Refuse(text) => {
                    event.refuse(text);
                    return Ok(());
                }
            }
        }
        if !guidance.is_empty() {
            event.guide(guidance.join("\n"));
        }
        Ok(())
    }
}

impl<E: Stage> Member<E> {
    /// Asks this policy and does what it says; `moot`: guidance was given already.
    async fn step(&self, event: &mut E, moot: bool) -> Result<Next, BoxError> {
        let outcome = match self.ask(event).await {
            Ok(verdict) => self.carry_out(event, verdict, moot),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(next) => Ok(next),
            // A question is no failure, whoever raised it.
            Err(error) => match raised_by(error) {
                Ok(interrupt) => Err(InterruptException::new(interrupt).into()),
                Err(error) => self.failed(error),
            },
        }
    }

    async fn ask(&self, event: &E) -> VerdictResult<E> {
        // Called within the guard: what makes a future may panic as well as the future.
        let judging = AssertUnwindSafe(async {
            match self.policy.limit() {
                Some(limit) => within(limit, (self.judge)(event)).await,
                None => (self.judge)(event).await,
            }
        });
        judging.catch_unwind().await.unwrap_or_else(|panic| Err(panic_error(&*panic)))
    }

    fn carry_out(&self, event: &mut E, verdict: Verdict<E>, moot: bool) -> Result<Next, BoxError> {
        let name = self.policy.name();
        Ok(match verdict.action {
            Action::Proceed => Next::GoOn,
            Action::Deny(reason) => Next::Refuse(format!("DENIED: {reason}")),
            Action::Guide(feedback) => Next::Tell(format!("[{name}] {feedback}")),
            Action::Transform(change) => {
                guarded(|| change(event))?;
                Next::GoOn
            }
            Action::Confirm(_) if moot => Next::GoOn,
            Action::Confirm(confirm) => self.confirm(event, confirm)?,
        })
    }

    fn confirm(&self, event: &mut E, confirm: Confirm) -> Result<Next, BoxError> {
        let answer = event.ask(self.policy.name(), &confirm)?;
        let refusal = format!("CONFIRMATION_FAILED: {}", confirm.prompt);
        let agreed = guarded(|| Ok(confirm.accepts(&answer)))?;
        Ok(if agreed { Next::GoOn } else { Next::Refuse(refusal) })
    }

    /// What follows when the policy could not judge.
    fn failed(&self, error: BoxError) -> Result<Next, BoxError> {
        let name = self.policy.name();
        match self.policy.failing() {
            OnError::Deny if E::REFUSABLE => {
                tracing::warn!("{}: {error}; so it is denied", Failed::place::<E>(name));
                // The model is not told what went wrong inside.
                Ok(Next::Refuse(format!("DENIED: `{name}` could not decide")))
            }
            OnError::Proceed => {
                tracing::warn!("{}: {error}; it goes on all the same", Failed::place::<E>(name));
                Ok(Next::GoOn)
            }
            OnError::Stop | OnError::Deny => Err(Failed::at::<E>(name, error).into()),
        }
    }
}

/// A policy that could not judge.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {source}")]
struct Failed {
    place: String,
    source: BoxError,
}

impl Failed {
    fn at<E: Stage>(name: &str, source: BoxError) -> Self {
        Self { place: Self::place::<E>(name), source }
    }

    fn place<E: Stage>(name: &str) -> String {
        format!("intervention `{name}` failed at {}", E::NAME)
    }
}

/// What a policy says within its time.
async fn within<E>(limit: Duration, judging: BoxFuture<'_, VerdictResult<E>>) -> VerdictResult<E> {
    let timed = tokio::time::timeout(limit, judging).await;
    timed.unwrap_or_else(|_| Err(format!("it took longer than {limit:?}").into()))
}

/// Calls a policy's closure; a panic is an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panic_error(&*panic)))
}
