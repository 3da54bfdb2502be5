//! How a run comes to the end of a batch of calls, and of its invocation.

use std::sync::Arc;

use super::{CANCELLED, RAN_BEFORE, UNKNOWN_OUTCOME};
use crate::message::{
    ContentBlock, INTERRUPTED, Message, Role, ToolResult, TranscriptError, Usage,
};
use crate::model::StopReason;
use crate::run::batch::{CallState, ToolCall};
use crate::run::outcome::Outcome;
use crate::run::{Phase, Run};

impl Run {
    pub(super) fn tools_finished(
        &mut self,
        end_turn: Option<Vec<ContentBlock>>,
        stop: bool,
    ) -> Result<(), TranscriptError> {
        let asked = self.pending_message().cloned();
        let exhausted = self.settle_output();
        let unrecorded = self.unrecorded_results();
        self.close_batch(|_| INTERRUPTED)?;
        self.step_over();
        if let Some(results) = unrecorded {
            self.end_unrecorded(results);
            return Ok(());
        }
        match end_turn {
            None if stop && let Some(message) = asked => {
                self.agent_state.settle();
                self.phase = Phase::Ended(Outcome { stop_reason: StopReason::ToolUse, message });
            }
            None if exhausted && let Some(message) = asked => {
                self.agent_state.settle();
                self.phase = Phase::Output(Outcome { stop_reason: StopReason::ToolUse, message });
            }
            None => {
                self.agent_state.settle();
                self.phase = Phase::Model;
            }
            Some(blocks) => self.end(StopReason::EndTurn, Message::new(Role::Assistant, blocks))?,
        }
        Ok(())
    }

    pub(super) fn cancelled(
        &mut self,
        text: String,
        last_word: Option<String>,
        usage: Usage,
    ) -> Result<(), TranscriptError> {
        self.count(usage);
        self.count_held();
        self.step_over();
        let pending = self.pending_message().cloned();
        let was_missing = matches!(self.phase, Phase::Output(_));
        self.close_batch(|call| match call.state {
            CallState::Claimed(_) => UNKNOWN_OUTCOME,
            _ if call.returns() > 0 => RAN_BEFORE,
            _ => CANCELLED,
        })?;
        match (pending, last_word) {
            (Some(_), Some(text)) => self.end(StopReason::Cancelled, Message::assistant(text)),
            // What was cancelled were tools: the message that asked for them is the last one.
            (Some(message), None) => {
                self.phase = Phase::Ended(Outcome { stop_reason: StopReason::Cancelled, message });
                Ok(())
            }
            (None, _) if was_missing => self.end_without_output(StopReason::Cancelled, text),
            (None, _) => self.end(StopReason::Cancelled, Message::assistant(text)),
        }
    }

    /// Puts the turn under way into the history, if there is one; uses without a result get a text
    /// that says why.
    pub(in crate::run) fn close_batch(
        &mut self,
        otherwise: impl Fn(&ToolCall) -> &'static str,
    ) -> Result<(), TranscriptError> {
        let Phase::Tools(batch) = &self.phase else { return Ok(()) };
        if !batch.unrecorded {
            self.transcript.check_tool_turn(&batch.message, batch.answered_ids())?;
        }
        let Phase::Tools(batch) = std::mem::replace(&mut self.phase, Phase::Idle) else {
            return Ok(());
        };
        if !batch.unrecorded {
            let (message, results) = batch.into_results(|call| {
                ToolResult::error(&call.tool_use.tool_use_id, otherwise(call))
            });
            self.transcript.push_checked_turn(message, results);
        }
        Ok(())
    }

    pub(in crate::run) fn end(
        &mut self,
        stop_reason: StopReason,
        message: Message,
    ) -> Result<(), TranscriptError> {
        self.edits.settled();
        let message = Arc::new(message);
        self.transcript.push(Arc::clone(&message))?;
        self.phase = Phase::Ended(Outcome { stop_reason, message });
        Ok(())
    }

    /// The results of a call by hand that is to leave nothing in the history.
    fn unrecorded_results(&self) -> Option<Message> {
        let batch = self.batch().filter(|batch| batch.unrecorded)?;
        let results = batch.calls.iter().filter_map(|call| call.state.result().cloned());
        Some(Message::tool_results(results.collect::<Vec<_>>()))
    }

    /// The end of such a call: what came of it is told, and kept nowhere.
    pub(super) fn end_unrecorded(&mut self, message: Message) {
        let message = Arc::new(message);
        self.phase = Phase::Ended(Outcome { stop_reason: StopReason::EndTurn, message });
    }
}
