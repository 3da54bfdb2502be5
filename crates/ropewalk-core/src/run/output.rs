//! The value that an invocation is to give, as far as the run knows of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::batch::{Batch, CallState};
use super::outcome::Outcome;
use super::{Phase, Run};
use crate::message::{Message, Role, ToolResult, ToolStatus, Transcript, TranscriptError};
use crate::model::StopReason;
use crate::output::OutputSpec;

/// The value that an invocation is to give: which, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputState {
    /// The form that it must have.
    pub spec: OutputSpec,
    /// True once the model ended its turn without it: it is asked for nothing else any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// How many answers gave none that has the form.
    #[serde(default)]
    pub failures: u32,
    /// What was given in the tool calls under way, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    given: BTreeMap<String, Value>,
    /// The value, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// What was wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl OutputState {
    pub(super) fn new(spec: OutputSpec) -> Self {
        Self {
            spec,
            forced: false,
            failures: 0,
            given: BTreeMap::new(),
            value: None,
            problem: None,
        }
    }

    /// True if there were more wrong values than may be corrected.
    fn is_exhausted(&self) -> bool {
        self.failures > self.spec.corrections
    }

    /// True if a wrong value may be corrected.
    pub(crate) fn may_correct(&self) -> bool {
        self.failures < self.spec.corrections
    }

    /// A tool ran. That of the value says with its result whether it took it; the value is what it was
    /// claimed with.
    pub(super) fn returned(&mut self, batch: &Batch, result: &ToolResult) {
        let call = batch.call(&result.tool_use_id);
        let Some(CallState::Claimed(claim)) = call.map(|call| &call.state) else { return };
        if claim.tool() != self.spec.name {
            return;
        }
        match result.status {
            ToolStatus::Success => {
                let value = self.spec.value_of(claim.input());
                self.given.insert(result.tool_use_id.clone(), value);
            }
            ToolStatus::Error => self.problem = Some(result.text()),
        }
    }

    /// What the calls under way gave: the first in the order of the model's request.
    fn first_given(&self, batch: &Batch) -> Option<&Value> {
        batch.calls.iter().find_map(|call| self.given.get(&call.tool_use.tool_use_id))
    }

    /// All calls of an answer have their results.
    fn settle(&mut self, batch: &Batch) {
        let asked = batch.calls.iter().any(|call| call.tool_use.name == self.spec.name);
        match self.first_given(batch).cloned() {
            Some(value) => self.value = Some(value),
            None if asked => self.failures = self.failures.saturating_add(1),
            None => {}
        }
        self.given.clear();
    }
}

impl Run {
    /// The value that the invocation under way is to give, if it is to give one.
    pub fn output(&self) -> Option<&OutputState> {
        self.output.as_deref()
    }

    /// True if this is the tool through which the value comes: no limit of tool calls is about it.
    pub(crate) fn gives_output(&self, tool: &str) -> bool {
        self.output().is_some_and(|output| output.spec.name == tool)
    }

    /// The value that the tool calls under way gave.
    pub(crate) fn given_output(&self) -> Option<Value> {
        self.output()?.first_given(self.batch()?).cloned()
    }

    /// The results of all calls are there. True if the model gave no value that has the form, and may
    /// not try again.
    pub(super) fn settle_output(&mut self) -> bool {
        let (Some(output), Phase::Tools(batch)) = (&mut self.output, &self.phase) else {
            return false;
        };
        if batch.direct {
            return false;
        }
        output.settle(batch);
        output.value.is_none() && output.is_exhausted()
    }

    /// A call is made again: what it gave counts no more.
    pub(super) fn forget_output(&mut self, tool_use_id: &str) {
        if let Some(output) = &mut self.output {
            output.given.remove(tool_use_id);
        }
    }

    /// True if an answer of this kind should have held the value.
    pub(super) fn misses_output(&self, stop_reason: &StopReason) -> bool {
        *stop_reason == StopReason::EndTurn
            && self.output().is_some_and(|output| output.value.is_none())
    }

    /// The value was found in the model's text.
    pub(super) fn output_found(&mut self, found: Value) {
        if let Some(output) = &mut self.output {
            output.value = Some(found);
        }
        if let Phase::Output(outcome) = &self.phase {
            self.phase = Phase::Ended(outcome.clone());
        }
    }

    /// The model is asked for the value and nothing else.
    pub(super) fn output_forced(
        &mut self,
        messages: Vec<Message>,
        problem: Option<String>,
    ) -> Result<(), TranscriptError> {
        self.transcript.append(Transcript::from_messages(messages)?);
        if let Some(output) = &mut self.output {
            output.forced = true;
            output.failures = output.failures.saturating_add(u32::from(problem.is_some()));
            output.problem = problem.or(output.problem.take());
        }
        self.phase = Phase::Model;
        Ok(())
    }

    /// There will be no value.
    pub(super) fn output_failed(&mut self, problem: String) -> Result<(), TranscriptError> {
        let text = problem.clone();
        if let Some(output) = &mut self.output {
            output.problem = Some(problem);
        }
        self.end_without_output(StopReason::StructuredOutputFailed, text)
    }

    /// Ends an invocation whose value is missing: with what the model said last, or with a text behind
    /// the results of its tools.
    pub(super) fn end_without_output(
        &mut self,
        stop_reason: StopReason,
        text: String,
    ) -> Result<(), TranscriptError> {
        let said = self.transcript.last().filter(|last| last.role == Role::Assistant).cloned();
        match said {
            Some(message) => {
                self.phase = Phase::Ended(Outcome { stop_reason, message });
                Ok(())
            }
            None => self.end(stop_reason, Message::assistant(text)),
        }
    }
}
