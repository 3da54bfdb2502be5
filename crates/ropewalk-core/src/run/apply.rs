//! What each record does to a run.

use std::sync::Arc;

use super::batch::{Batch, CallState, Question, ToolCall};
use super::outcome::Outcome;
use super::record::{Record, Site};
use super::{Phase, Run};
use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;
use crate::message::{
    ContentBlock, INTERRUPTED, InterruptResponse, Message, Role, ToolResult, Transcript,
    TranscriptError, Usage,
};
use crate::model::{ModelTurn, StopReason};

/// The result of a call of which nobody knows whether it ran.
pub(crate) const UNKNOWN_OUTCOME: &str = "The outcome of this call is unknown: it was cut off while it ran, and it was not run again. Check what it did before you call it again.";
/// The result of a call that was cancelled before it ran (Strands' own text).
const CANCELLED: &str = "Tool execution cancelled";

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
            Record::InvocationStarted { messages } => {
                let messages = Transcript::from_messages(messages)?;
                self.started_at = self.transcript.len();
                self.transcript.append(messages);
                self.invocation += 1;
                self.cycles = 0;
                self.usage = Usage::default();
                self.phase = Phase::Model;
            }
            Record::ModelAnswered { turn, discarded } => self.model_answered(turn, discarded)?,
            Record::ToolClaimed { tool_use_id, claim } => {
                if let Phase::Tools(batch) = &mut self.phase
                    && let Some(call) = batch.call_mut(&tool_use_id)
                {
                    call.claim(claim);
                }
            }
            Record::ToolReturned { result } => {
                let id = result.tool_use_id.clone();
                self.set_call(&id, |state| match state {
                    CallState::Claimed(claim) => CallState::Returned { claim, result },
                    other => other,
                });
            }
            Record::ToolFinished { result, finish } => {
                let id = result.tool_use_id.clone();
                self.set_call(&id, |_| CallState::Finished { result, finish });
                self.drop_questions(&Site::call(id));
            }
            Record::Interrupted { site, interrupts } => self.interrupted(site, interrupts),
            Record::Answered { responses } => self.answered(responses),
            Record::ToolsFinished { end_turn } => self.tools_finished(end_turn)?,
            Record::Cancelled { text, usage } => self.cancelled(text, usage)?,
            Record::Denied { text } => {
                self.close_batch(unrun)?;
                self.end(StopReason::EndTurn, Message::assistant(text))?;
            }
            Record::Abandoned => {
                self.close_batch(unrun)?;
                self.phase = Phase::Idle;
            }
            Record::PromptWithdrawn => {
                self.transcript.truncate(self.started_at);
                self.phase = Phase::Idle;
            }
            Record::InvocationEnded => self.phase = Phase::Idle,
        }
        Ok(())
    }

    fn model_answered(&mut self, turn: ModelTurn, discarded: Usage) -> Result<(), TranscriptError> {
        self.cycles += 1;
        self.count(turn.usage);
        self.count(discarded);
        if let Some(text) = &turn.redact_user {
            self.transcript.redact_last(text);
        }
        if turn.message.tool_uses().next().is_some() {
            self.phase = Phase::Tools(Batch::new(turn));
            return Ok(());
        }
        self.end(turn.stop_reason, turn.message)
    }

    fn interrupted(&mut self, site: Site, interrupts: Vec<Interrupt>) {
        let Phase::Tools(batch) = &mut self.phase else { return };
        if let Site::Call { tool_use_id } = &site
            && let Some(call) = batch.call_mut(tool_use_id)
        {
            // Whatever was claimed ended with a question: it starts again when that is answered.
            call.state = CallState::Pending;
        }
        for interrupt in interrupts {
            // A question that is put again stands in the place of its unfitting answer.
            let again = |question: &Question| {
                question.interrupt.id == interrupt.id && question.site == site
            };
            batch.questions.retain(|question| !again(question));
            batch.questions.push(Question { site: site.clone(), interrupt });
        }
        // Calls run together: whose record came first must make no difference.
        batch.sort_questions();
    }

    fn answered(&mut self, responses: Vec<InterruptResponse>) {
        let Phase::Tools(batch) = &mut self.phase else { return };
        for InterruptResponse { interrupt_id, response } in responses {
            for question in &mut batch.questions {
                if question.interrupt.id == interrupt_id {
                    question.interrupt.response = response.clone();
                }
            }
        }
    }

    fn tools_finished(
        &mut self,
        end_turn: Option<Vec<ContentBlock>>,
    ) -> Result<(), TranscriptError> {
        self.close_batch(|_| INTERRUPTED)?;
        match end_turn {
            None => self.phase = Phase::Model,
            Some(blocks) => self.end(StopReason::EndTurn, Message::new(Role::Assistant, blocks))?,
        }
        Ok(())
    }

    fn cancelled(&mut self, text: String, usage: Usage) -> Result<(), TranscriptError> {
        self.count(usage);
        let pending = self.pending_message().cloned();
        self.close_batch(|call| match call.state {
            CallState::Claimed(_) => UNKNOWN_OUTCOME,
            _ => CANCELLED,
        })?;
        match pending {
            // What was cancelled were tools: the message that asked for them is the last one.
            Some(message) => {
                self.phase = Phase::Ended(Outcome { stop_reason: StopReason::Cancelled, message });
                Ok(())
            }
            None => self.end(StopReason::Cancelled, Message::assistant(text)),
        }
    }

    /// Puts the turn under way into the history, if there is one; uses without a result get a text
    /// that says why.
    fn close_batch(
        &mut self,
        otherwise: impl Fn(&ToolCall) -> &'static str,
    ) -> Result<(), TranscriptError> {
        if !matches!(self.phase, Phase::Tools(_)) {
            return Ok(());
        }
        let Phase::Tools(batch) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Ok(());
        };
        let (message, results) = batch
            .into_results(|call| ToolResult::error(&call.tool_use.tool_use_id, otherwise(call)));
        self.transcript.push_tool_turn(message, results).map(drop)
    }

    fn end(&mut self, stop_reason: StopReason, message: Message) -> Result<(), TranscriptError> {
        let message = Arc::new(message);
        self.transcript.push(Arc::clone(&message))?;
        self.phase = Phase::Ended(Outcome { stop_reason, message });
        Ok(())
    }

    fn set_call(&mut self, tool_use_id: &str, change: impl FnOnce(CallState) -> CallState) {
        let Phase::Tools(batch) = &mut self.phase else { return };
        if let Some(call) = batch.call_mut(tool_use_id) {
            let state = std::mem::replace(&mut call.state, CallState::Pending);
            call.state = change(state);
        }
    }

    /// What was asked from there needs no answer any more.
    fn drop_questions(&mut self, site: &Site) {
        let Phase::Tools(batch) = &mut self.phase else { return };
        let settled = |question: &Question| question.interrupt.is_answered();
        batch.questions.retain(|question| settled(question) || question.site != *site);
    }

    fn count(&mut self, usage: Usage) {
        self.usage += usage;
        self.total_usage += usage;
    }
}

/// What stands as the result of a call that was given up.
fn unrun(call: &ToolCall) -> &'static str {
    match call.state {
        CallState::Claimed(_) => UNKNOWN_OUTCOME,
        _ => INTERRUPTED,
    }
}
