//! The limits of an invocation: what it may still use, and what happens when that is nothing.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Driver;
use super::fire::millis;
use crate::agent::AgentEvent;
use crate::error::Error;
use crate::limits::{Ahead, Limits, Reached, Used};
use crate::message::{ToolResult, Usage};
use crate::model::{Model, ModelTurn, StopReason};
use crate::run::{CallState, Finish, Record, ToolCall};

impl Driver<'_> {
    /// The limits of what is about to begin or to go on: those of the agent, of this invocation, and
    /// what the run kept.
    pub(super) fn limits(&self) -> Limits {
        let given = self.blueprint.limits.tighter(&self.given.limits);
        self.run().limits().tighter(&given)
    }

    /// Refuses limits that can't be held to.
    pub(super) fn check_limits(&self) -> Result<(), Error> {
        let limits = self.limits();
        limits.check()?;
        if limits.has_cost() {
            self.blueprint.price_of(&*self.blueprint.model).map(drop)
        } else {
            Ok(())
        }
    }

    /// How long what is about to go on may still work.
    pub(super) fn time_left(&self, goes_on: bool) -> Option<Duration> {
        let used = if goes_on { self.run().used() } else { Used::default() };
        self.limits().time_left(&used)
    }

    /// The record of the limits, where there are any.
    pub(super) fn limits_record(&self) -> Option<Record> {
        let limits = self.limits();
        let before = self.earlier();
        (!limits.is_empty()).then(|| Record::LimitsSet { limits: limits.into(), before })
    }

    /// Keeps limits that have become tighter since the invocation began.
    pub(super) async fn tighten_limits(&self) -> Result<(), Error> {
        let limits = self.limits();
        let (same, before) = {
            let run = self.run();
            (*run.limits() == limits || run.is_idle(), run.used_before())
        };
        if same {
            Ok(())
        } else {
            self.commit(Record::LimitsSet { limits: limits.into(), before }).await
        }
    }

    /// Keeps how long an invocation has worked that stops for a time.
    pub(super) async fn save_time(&self) -> Result<(), Error> {
        if self.run().limits().is_empty() {
            return Ok(());
        }
        let time_ms = millis(self.restart_clock());
        self.commit(Record::TimeSpent { time_ms }).await
    }

    fn used(&self) -> Used {
        let mut used = self.run().used();
        used.time_ms = used.time_ms.saturating_add(millis(self.worked()));
        used
    }

    /// Ends the invocation if a limit keeps the next model call from being made; true if it does.
    pub(super) async fn at_limit(&self) -> Result<bool, Error> {
        let limits = *self.run().limits();
        if limits.is_empty() {
            return Ok(false);
        }
        let mut ahead = Ahead::default();
        if limits.looks_ahead() {
            ahead.input_tokens = self.projected_or_estimated();
            if limits.has_cost() {
                let price = self.blueprint.price_of(&*self.blueprint.model)?;
                ahead.cost = price.most_for_input(ahead.input_tokens);
            }
        }
        let Some(reached) = limits.reached(&self.used(), &ahead) else { return Ok(false) };
        Box::pin(self.end_at(reached, <(String, Usage)>::default())).await?;
        Ok(true)
    }

    /// Ends the invocation at a limit. `partial` is what the model had said.
    pub(super) async fn end_at(
        &self,
        reached: Reached,
        (partial, usage): (String, Usage),
    ) -> Result<(), Error> {
        tracing::info!(limit = reached.reason.as_str(), "a limit of the invocation was reached");
        self.note_cut_off();
        let Reached { reason, text } = reached;
        self.end_with(Record::LimitReached { reason, partial, note: text, usage }).await
    }

    /// How many tokens the next answer may have.
    pub(super) fn output_left(&self) -> Option<u64> {
        let run = self.run();
        run.limits().output_left(&run.used())
    }

    /// An answer that was cut off where a limit said so ends because of that.
    pub(super) fn settle_cut_off(&self, turn: &mut ModelTurn) {
        let run = self.run();
        if turn.stop_reason == StopReason::MaxTokens
            && run.limits().ends_output(&run.used(), turn.usage.output_tokens)
        {
            turn.stop_reason = StopReason::LimitOutputTokens;
        }
    }

    /// Counts what a model call cost, whatever becomes of its answer. A call beside the conversation
    /// belongs to no invocation that has costs.
    pub(super) async fn charge(&self, model: &dyn Model, usage: Usage) -> Result<(), Error> {
        if self.blueprint.prices.is_empty() || usage == Usage::default() || self.run().is_idle() {
            return Ok(());
        }
        match self.blueprint.prices.get(model.id()) {
            Some(price) => self.commit(Record::CostSpent { cost: price.of(usage) }).await,
            None => Ok(()),
        }
    }

    /// The calls that may be made; the others get results that say so, the last ones of the model's
    /// request first.
    pub(super) async fn within_limit(&self, calls: Vec<ToolCall>) -> Result<Vec<ToolCall>, Error> {
        let left = {
            let run = self.run();
            run.limits().calls_left(&run.used())
        };
        let Some(mut left) = left else { return Ok(calls) };
        let mut within = Vec::with_capacity(calls.len());
        for call in calls {
            let counts = !self.run().gives_output(&call.tool_use.name);
            let is_new = counts && call.is_new() && matches!(call.state, CallState::Pending);
            if !is_new || left > 0 {
                left -= u64::from(is_new);
                within.push(call);
                continue;
            }
            let text = "This call was not made: the limit of tool calls was reached.";
            let result = ToolResult::error(&call.tool_use.tool_use_id, text);
            self.commit(Record::ToolFinished { result, finish: Finish::OverLimit }).await?;
            self.sink.send(|| AgentEvent::ToolCancelled {
                tool_use: Arc::clone(&call.tool_use),
                message: text.to_owned(),
            });
        }
        Ok(within)
    }

    /// How long this process has worked since the time was last kept.
    fn worked(&self) -> Duration {
        self.lock_clock().since.elapsed()
    }

    fn restart_clock(&self) -> Duration {
        let mut clock = self.lock_clock();
        let worked = clock.since.elapsed();
        clock.since = Instant::now();
        worked
    }

    fn earlier(&self) -> Used {
        self.lock_clock().earlier
    }

    /// Keeps what a pass has used that is over: the next one is the same invocation to the caller.
    pub(super) fn keep_used(&self) {
        let used = self.run().used();
        self.lock_clock().earlier = used;
    }

    fn lock_clock(&self) -> MutexGuard<'_, Working> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a driver has done so far of an invocation.
pub(super) struct Working {
    /// Since when the time runs that the run does not know of.
    since: Instant,
    /// What earlier passes used.
    earlier: Used,
}

impl Default for Working {
    fn default() -> Self {
        Self { since: Instant::now(), earlier: Used::default() }
    }
}
