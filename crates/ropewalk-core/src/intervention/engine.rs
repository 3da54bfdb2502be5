//! Asking the policies of one stage, and doing what they say.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::policy::{Judge, OnError, Policy};
use super::stage::Stage;
use super::verdict::{Action, Question, Verdict, VerdictResult};
use crate::clock::has_clock;
use crate::decision::DecisionRecord;
use crate::error::BoxError;
use crate::hook::{HookResult, event_name, panic_error, raised_by};
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

    /// Their names, in their order.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> = self.members.iter().map(|member| member.policy.name()).collect();
        names.join(", ")
    }

    /// Asks them one after the other.
    pub(super) async fn judge(&self, event: &mut E) -> HookResult {
        let mut guidance = Vec::new();
        for member in &self.members {
            let moot = !guidance.is_empty() || event.is_over();
            match member.step(event, moot).await? {
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
    /// Asks this policy and does what it says; `moot`: it does not happen anyway.
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
                Err(error) => self.failed(event, error),
            },
        }
    }

    async fn ask(&self, event: &E) -> VerdictResult<E> {
        // Called within the guard: what makes a future may panic as well as the future.
        let judging =
            AssertUnwindSafe(async { within(self.policy.limit(), (self.judge)(event)).await });
        judging.catch_unwind().await.unwrap_or_else(|panic| Err(panic_error(&*panic)))
    }

    fn carry_out(&self, event: &mut E, verdict: Verdict<E>, moot: bool) -> Result<Next, BoxError> {
        let name = self.policy.name();
        let noted = self.decision(verdict.kind(), verdict.rule(), verdict.reason());
        let question = match verdict.action {
            Action::Confirm(question) if !moot => question,
            Action::Confirm(_) => {
                let reason = "nobody was asked: it does not happen anyway";
                note(event, noted.with_reason(reason));
                return Ok(Next::GoOn);
            }
            Action::Transform(change) => {
                // Before the change: this is what the policy judged.
                note(event, noted);
                guarded(|| change(event))?;
                return Ok(Next::GoOn);
            }
            Action::Abstain => return Ok(Next::GoOn),
            Action::Proceed => {
                note(event, noted);
                return Ok(Next::GoOn);
            }
            Action::Deny(reason) => {
                note(event, noted);
                return Ok(Next::Refuse(format!("DENIED: {reason}")));
            }
            Action::Guide(feedback) => {
                note(event, noted);
                return Ok(Next::Tell(format!("[{name}] {feedback}")));
            }
        };
        self.confirm(event, question, verdict.rule.as_deref(), noted)
    }

    /// Puts a question. What is on record is the question, or what was answered.
    fn confirm(
        &self,
        event: &mut E,
        question: Question<E>,
        rule: Option<&str>,
        mut noted: DecisionRecord,
    ) -> Result<Next, BoxError> {
        let Question { prompt, put } = question;
        let answer = match guarded(|| put(event, self.policy.name(), rule)) {
            Ok(answer) => answer,
            Err(error) => {
                note(event, noted);
                return Err(error);
            }
        };
        let verdict = if answer.agreed { "approve" } else { "deny" };
        verdict.clone_into(&mut noted.verdict);
        noted.by = answer.by;
        note(event, noted);
        Ok(match answer.agreed {
            true => Next::GoOn,
            false => Next::Refuse(format!("CONFIRMATION_FAILED: {prompt}")),
        })
    }

    /// What follows when the policy could not judge.
    fn failed(&self, event: &mut E, error: BoxError) -> Result<Next, BoxError> {
        let name = self.policy.name();
        let failed = Failed { name: name.to_owned(), stage: E::NAME, source: error };
        let reason = failed.to_string();
        let on_error = self.policy.failing();
        let verdict = if on_error == OnError::Proceed { "proceed" } else { "deny" };
        note(event, self.decision(verdict, None, Some(&reason)));
        match on_error {
            OnError::Deny if E::REFUSABLE => {
                tracing::warn!("{reason}; so it is denied");
                // The model is not told what went wrong inside.
                Ok(Next::Refuse(format!("DENIED: `{name}` could not decide")))
            }
            OnError::Proceed => {
                tracing::warn!("{reason}; it goes on all the same");
                Ok(Next::GoOn)
            }
            OnError::Stop | OnError::Deny => Err(failed.into()),
        }
    }

    fn decision(&self, verdict: &str, rule: Option<&str>, reason: Option<&str>) -> DecisionRecord {
        let mut decision = DecisionRecord::new(self.policy.name(), event_name::<E>(), verdict);
        decision.rule = rule.map(str::to_owned);
        decision.reason = reason.map(str::to_owned);
        decision
    }
}

/// Puts a decision on record, with the call that it is about.
fn note<E: Stage>(event: &mut E, decision: DecisionRecord) {
    let decision = event.about(decision);
    event.record(decision);
}

/// A policy that could not judge.
#[derive(Debug, thiserror::Error)]
#[error("intervention `{name}` failed at {stage}: {source}")]
struct Failed {
    name: String,
    stage: &'static str,
    source: BoxError,
}

/// What a policy says within its time.
async fn within<E>(limit: Duration, judging: BoxFuture<'_, VerdictResult<E>>) -> VerdictResult<E> {
    if !has_clock() {
        return judging.await;
    }
    let timed = tokio::time::timeout(limit, judging).await;
    timed.unwrap_or_else(|_| Err(format!("it took longer than {limit:?}").into()))
}

/// Calls a policy's closure; a panic is an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, BoxError>) -> Result<T, BoxError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panic_error(&*panic)))
}
