//! Reading a run that was stored, by this version or an earlier one.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::agent_state::TurnState;
use super::budget::Budget;
use super::history::Edits;
use super::output::OutputState;
use super::site::Question;
use super::token::Tokens;
use super::{FORMAT_VERSION, Phase, Run, ToolCall};
use crate::error::{Error, ErrorKind};
use crate::message::{Transcript, Usage};

/// What the numbers of a stored run may be at most. They are counted on by one, and an invocation's number must not
/// come again: idempotency keys are made of it.
const MOST: u64 = 1 << 53;

/// A run as it is stored.
#[derive(Deserialize)]
pub(super) struct StoredRun {
    version: u32,
    id: String,
    transcript: Transcript,
    /// Read once the version is known to be one that can be.
    phase: Value,
    #[serde(default)]
    questions: Vec<Question>,
    #[serde(default)]
    state: Map<String, Value>,
    #[serde(default)]
    agent_state: TurnState,
    #[serde(default)]
    output: Option<Box<OutputState>>,
    #[serde(default)]
    started_at: usize,
    #[serde(default)]
    joined: usize,
    #[serde(default)]
    tokens: Tokens,
    #[serde(default)]
    highest: u64,
    invocation: u64,
    cycles: u32,
    usage: Usage,
    total_usage: Usage,
    #[serde(default)]
    edits: Edits,
    #[serde(default)]
    budget: Budget,
    applied: u64,
}

impl TryFrom<StoredRun> for Run {
    type Error = Error;

    fn try_from(mut stored: StoredRun) -> Result<Self, Error> {
        Self::check_version(stored.version)?;
        let refuse = |what: String| {
            let text = format!("the stored run can't be used: {what}");
            Err(Error::new(ErrorKind::Malformed, text))
        };
        let mut questions = stored.questions;
        // Format 1 kept the questions with the batch of tools.
        if let Some(earlier) = stored.phase.pointer_mut("/tools/questions") {
            match Vec::<Question>::deserialize(earlier.take()) {
                Ok(earlier) => questions.extend(earlier),
                Err(error) => return refuse(format!("its questions: {error}")),
            }
        }
        let phase = match Phase::deserialize(stored.phase) {
            Ok(phase) => phase,
            Err(error) => return refuse(format!("its phase: {error}")),
        };
        if let Phase::Tools(batch) = &phase {
            let asked: Vec<_> = batch.message.tool_uses().collect();
            let calls: Vec<_> = batch.calls.iter().map(|call| &*call.tool_use).collect();
            let foreign = |call: &ToolCall| {
                let result = call.state.result();
                result.is_some_and(|result| result.tool_use_id != call.tool_use.tool_use_id)
            };
            if asked != calls || asked.is_empty() || batch.calls.iter().any(foreign) {
                return refuse("its tool calls are not those that the model asked for".to_owned());
            }
            if questions.iter().any(|question| {
                question.site.tool_use_id().is_some_and(|id| batch.call(id).is_none())
            }) {
                return refuse("a question is about a tool call that it does not hold".to_owned());
            }
        }
        let no_calls = !matches!(phase, Phase::Tools(_));
        if no_calls && questions.iter().any(|question| question.site.tool_use_id().is_some()) {
            return refuse("a question is about a tool call, and none is under way".to_owned());
        }
        if stored.joined > 0 && stored.started_at == 0 && !stored.edits.keeps_before() {
            return refuse("its prompt was joined to a message that it does not hold".to_owned());
        }
        if stored.started_at > stored.transcript.len() {
            return refuse("its invocation began behind the end of its history".to_owned());
        }
        if [stored.invocation, stored.highest, stored.applied].iter().any(|count| *count > MOST) {
            return refuse("no run has counted so far".to_owned());
        }
        Ok(Self {
            version: FORMAT_VERSION,
            id: Arc::from(stored.id),
            transcript: stored.transcript,
            phase,
            questions,
            state: stored.state,
            agent_state: stored.agent_state,
            output: stored.output,
            started_at: stored.started_at,
            joined: stored.joined,
            tokens: stored.tokens,
            highest: stored.highest,
            invocation: stored.invocation,
            cycles: stored.cycles,
            usage: stored.usage,
            total_usage: stored.total_usage,
            edits: stored.edits,
            budget: stored.budget.into(),
            applied: stored.applied,
        })
    }
}
