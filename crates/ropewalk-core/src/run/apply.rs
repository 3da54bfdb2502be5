//! What each record does to a run.

mod end;
mod questions;

use super::batch::{Batch, CallState, ToolCall};
use super::budget::BudgetBox;
use super::held::HeldAnswer;
use super::output::OutputState;
use super::record::{Finish, Record};
use super::site::Site;
use super::token::Spent;
use super::{Phase, Run};
use crate::error::{Error, ErrorKind};
use crate::message::{INTERRUPTED, Message, Transcript, TranscriptError, Usage};
use crate::model::{ModelTurn, StopReason};
use crate::tool::ToolContext;

/// The result of a call of which nobody knows whether it ran.
pub(crate) const UNKNOWN_OUTCOME: &str = "The outcome of this call is unknown: it was cut off while it ran, and it was not run again. Check what it did before you call it again.";
/// The result of a call that ran, and was given up before it was made again.
pub(crate) const RAN_BEFORE: &str = "This call ran, but a hook wanted it made again, and it was given up before that. Its result was not kept.";
/// The result of a call that was cancelled before it ran (Strands' own text).
pub(crate) const CANCELLED: &str = "Tool execution cancelled";

impl Run {
    /// Applies a record: the only way a run changes. It changes nothing if it fails.
    ///
    /// # Errors
    /// As for [`check`](Self::check).
    pub fn apply(&mut self, record: Record) -> Result<(), Error> {
        self.check(&record)?;
        self.fold(record).map_err(|error| {
            // `check` let it through, so this can't be; it must not be silent all the same.
            Error::new(ErrorKind::IllegalRecord, error.to_string()).with_source(error)
        })?;
        self.applied += 1;
        Ok(())
    }

    fn fold(&mut self, record: Record) -> Result<(), TranscriptError> {
        match record {
            Record::HistoryAdopted { messages } => {
                self.transcript = Transcript::from_messages(messages)?;
            }
            Record::PromptHeld { messages, state } => {
                self.state = state;
                self.invocation += 1;
                self.phase = Phase::Held { messages };
            }
            Record::StateChanged { state } => self.state = state,
            Record::PromptJoined { content } => {
                self.joined = content.len();
                self.transcript.lengthen(self.started_at.saturating_sub(1), content);
            }
            Record::TokenGiven { token, prompt } => self.tokens.give(token, prompt),
            Record::SnapshotLoaded { restored } => {
                // `check` has made it once: it fits.
                if let Ok(next) = self.with_restored(&restored) {
                    *self = next;
                }
            }
            Record::AgentStateChanged { set, deleted, keep } => {
                self.agent_state.change(set, deleted, keep || self.is_idle());
            }
            Record::OutputAsked { output } => {
                self.output = Some(Box::new(OutputState::new(output)))
            }
            Record::OutputFound { value } => self.output_found(value),
            Record::OutputForced { messages, problem } => self.output_forced(messages, problem)?,
            Record::OutputFailed { problem } => self.output_failed(problem)?,
            Record::GuidanceAdded { messages } => {
                self.transcript.append(Transcript::from_messages(messages)?);
            }
            Record::AnswerHeld { held } => self.phase = Phase::Answer(held),
            Record::AnswerDropped { usage } => {
                self.count(usage);
                self.step_over();
                self.phase = Phase::Model;
            }
            Record::TokensSpent { usage } => self.count(usage),
            Record::InvocationStarted { messages, state } => {
                let messages = Transcript::from_messages(messages)?;
                self.state = state;
                self.started_at = self.transcript.len();
                self.joined = 0;
                self.transcript.append(messages);
                // One that was held has its number already.
                self.invocation += u64::from(matches!(self.phase, Phase::Idle));
                self.cycles = 0;
                self.usage = Usage::default();
                self.phase = Phase::Model;
            }
            Record::ModelAnswered { turn, discarded } => self.model_answered(turn, discarded)?,
            Record::ToolClaimed { tool_use_id, claim } => {
                let gives_output = self.gives_output(claim.tool());
                if let Phase::Tools(batch) = &mut self.phase
                    && let Some(call) = batch.call_mut(&tool_use_id)
                {
                    let counts = u64::from(call.is_new() && !gives_output);
                    self.budget.count_calls(counts);
                    call.claim(claim);
                }
            }
            Record::ToolReturned { result } => {
                if let (Some(output), Phase::Tools(batch)) = (&mut self.output, &self.phase) {
                    output.returned(batch, &result);
                }
                if let Phase::Tools(batch) = &mut self.phase
                    && let Some(call) = batch.call_mut(&result.tool_use_id)
                {
                    call.returned(result);
                }
            }
            Record::ToolHeld { result, finish, report } => {
                let id = result.tool_use_id.clone();
                self.set_call(&id, |_| CallState::Held { result, finish, report });
            }
            Record::ToolRetried { tool_use_id } => {
                self.forget_output(&tool_use_id);
                self.set_call(&tool_use_id, |_| CallState::Pending);
                // What hooks asked was about the time that is over; what the tool asked still holds.
                let tools_own = ToolContext::site(&tool_use_id);
                self.questions.retain(|question| {
                    question.site.tool_use_id() != Some(&*tool_use_id)
                        || question.interrupt.id.starts_with(&tools_own)
                });
            }
            Record::ToolFinished { result, finish } => {
                let counts = u64::from(finish == Finish::OverLimit);
                self.budget.count_calls(counts);
                // What was asked there needs no answer any more.
                let id = Some(&*result.tool_use_id);
                self.questions
                    .retain(|question| !question.is_open() || question.site.tool_use_id() != id);
                if let Phase::Tools(batch) = &mut self.phase
                    && let Some(call) = batch.call_mut(&result.tool_use_id)
                {
                    call.state = CallState::Finished { result, finish };
                }
            }
            Record::Interrupted { site, interrupts, terms } => {
                self.interrupted(&site, interrupts, terms);
            }
            Record::Answered { responses, by } => self.answered(responses, by.as_deref()),
            Record::Expired { interrupt_ids } => self.expired(&interrupt_ids),
            Record::ExpiryAnnounced { interrupt_ids } => {
                for question in &mut self.questions {
                    question.announced |= interrupt_ids.contains(&question.interrupt.id);
                }
            }
            Record::Settled { site } => {
                self.questions.retain(|question| question.site != site);
            }
            Record::Decided { .. } => {}
            Record::ToolsFinished { end_turn, stop } => self.tools_finished(end_turn, stop)?,
            Record::Cancelled { text, last_word, usage } => {
                self.cancelled(text, last_word, usage)?;
            }
            Record::LimitsSet { limits, before } => {
                let budget = self.budget.get_mut();
                (budget.limits, budget.before) = (*limits, before);
            }
            Record::CostSpent { cost } => {
                let budget = self.budget.get_mut();
                budget.cost = budget.cost.saturating_add(cost);
            }
            Record::TimeSpent { time_ms } => {
                let budget = self.budget.get_mut();
                budget.time_ms = budget.time_ms.saturating_add(time_ms);
            }
            Record::LimitReached { reason, partial, note, usage } => {
                self.limit_reached(reason, partial, note, usage)?;
            }
            Record::Denied { text } => {
                self.count_held();
                let unrecorded = self.is_unrecorded();
                self.close_batch(unrun)?;
                self.step_over();
                let answer = Message::assistant(text);
                match unrecorded {
                    true => self.end_unrecorded(answer),
                    false => self.end(StopReason::EndTurn, answer)?,
                }
            }
            Record::Abandoned => {
                self.count_held();
                // Tools leave their turn in the history; anything else leaves nothing.
                if !matches!(self.phase, Phase::Tools(_) | Phase::Output(_) | Phase::Ended(_)) {
                    self.agent_state.roll_back();
                }
                self.close_batch(unrun)?;
                self.tokens.give_up();
                self.rest();
            }
            Record::HistoryEdited { edit, manager, usage } => {
                self.count(usage);
                self.edited(&edit, manager.map(|manager| *manager))?;
            }
            Record::PromptWithdrawn => self.withdraw(),
            Record::InvocationEnded => {
                if let Phase::Ended(outcome) = &self.phase {
                    let spent = Spent { usage: self.usage, cycles: self.cycles, cost: self.cost() };
                    self.tokens.end(outcome, &self.state, self.output.as_deref(), spent);
                }
                self.rest();
            }
        }
        Ok(())
    }

    /// Nothing is under way any more.
    pub(super) fn rest(&mut self) {
        self.phase = Phase::Idle;
        self.edits.settled();
        self.joined = 0;
        self.invocation = self.invocation.max(self.highest);
        self.agent_state.settle();
        self.state.clear();
        self.budget = BudgetBox::default();
        self.output = None;
        self.questions.retain(|question| question.site == Site::AgentInitialized);
    }

    /// One step of the invocation is behind: what was answered for it does not hold for the next.
    pub(super) fn step_over(&mut self) {
        self.questions.retain(|question| {
            question.site.spans_invocation() || question.site == Site::AgentInitialized
        });
    }

    fn model_answered(
        &mut self,
        turn: Box<ModelTurn>,
        discarded: Usage,
    ) -> Result<(), TranscriptError> {
        self.cycles = self.cycles.saturating_add(1);
        // The prompt stays from here on.
        self.joined = 0;
        self.edits.answered(&turn);
        self.count(turn.usage);
        self.count(discarded);
        self.step_over();
        if let Some(text) = &turn.redact_user {
            self.transcript.redact_last(text);
        }
        if turn.message.tool_uses().next().is_some() {
            self.phase = Phase::Tools(Batch::new(*turn));
            return Ok(());
        }
        let misses_output = self.misses_output(&turn.stop_reason);
        self.end(turn.stop_reason, turn.message)?;
        if misses_output && let Phase::Ended(outcome) = &self.phase {
            self.phase = Phase::Output(outcome.clone());
        }
        Ok(())
    }

    fn set_call(&mut self, tool_use_id: &str, change: impl FnOnce(CallState) -> CallState) {
        let Phase::Tools(batch) = &mut self.phase else { return };
        if let Some(call) = batch.call_mut(tool_use_id) {
            let state = std::mem::replace(&mut call.state, CallState::Pending);
            call.state = change(state);
        }
    }

    /// An answer that will never count has used its tokens all the same.
    pub(super) fn count_held(&mut self) {
        if let Phase::Answer(HeldAnswer::Answered(turn)) = &self.phase {
            self.count(turn.usage);
        }
    }

    pub(super) fn count(&mut self, usage: Usage) {
        self.usage += usage;
        self.total_usage += usage;
    }
}

/// What stands as the result of a call that was given up.
fn unrun(call: &ToolCall) -> &'static str {
    match call.state {
        CallState::Claimed(_) => UNKNOWN_OUTCOME,
        _ if call.returns() > 0 => RAN_BEFORE,
        _ => INTERRUPTED,
    }
}
