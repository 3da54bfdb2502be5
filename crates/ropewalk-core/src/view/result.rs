//! What an invocation came to.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;
use crate::limits::Money;
use crate::message::{Message, ToolUse, Usage};
use crate::metrics::EventLoopMetrics;
use crate::model::StopReason;

/// What an invocation came to (Strands' `AgentResult`).
///
/// Its text form is what the model said last, or, while questions are open, the questions, or the
/// structured output where there is one. Its JSON form is the page's: `type`, `message`,
/// `stop_reason`, and the open interrupts and the structured output where there are any. Read back, it
/// has these and nothing else: what was used and left is not in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AgentResult {
    /// Why it ended.
    pub stop_reason: StopReason,
    /// The last message of the model: with [`StopReason::Interrupt`], the one with the tool uses.
    pub message: Arc<Message>,
    /// The tokens that this invocation used, over all its model calls.
    pub usage: Usage,
    /// How many model calls it took.
    pub cycles: u32,
    /// What it took: cycles, tools, times.
    pub metrics: Arc<EventLoopMetrics>,
    /// What its model calls cost, where the agent was given prices.
    pub cost: Option<Money>,
    /// What the invocation's hooks and tools left for the caller, with what it was given: its
    /// [`InvocationState`](crate::InvocationState) at the end (Strands' `result.state`).
    pub state: Map<String, Value>,
    /// The questions that are open. Empty unless the reason is [`StopReason::Interrupt`].
    pub interrupts: Vec<Interrupt>,
    /// The value of the form that was asked for, if there is one; see [`output`](Self::output).
    pub structured_output: Option<Value>,
    /// What was wrong with the value, if the reason is [`StopReason::StructuredOutputFailed`].
    pub structured_output_error: Option<String>,
    /// Tool calls of which nobody knows whether they ran, because they were cut off. They were not
    /// run again, and the model was told.
    pub unknown_outcomes: Vec<ToolUse>,
}

/// The `type` of the JSON form.
const KIND: &str = "agent_result";

impl AgentResult {
    pub(crate) fn new(
        stop_reason: StopReason,
        message: Arc<Message>,
        usage: Usage,
        cycles: u32,
    ) -> Self {
        Self {
            stop_reason,
            message,
            usage,
            cycles,
            metrics: Arc::default(),
            cost: None,
            state: Map::new(),
            interrupts: Vec::new(),
            structured_output: None,
            structured_output_error: None,
            unknown_outcomes: Vec::new(),
        }
    }

    /// Sets the value that was asked for, and what was wrong with it if that is why it ended.
    pub(crate) fn set_output(&mut self, value: Option<Value>, problem: Option<String>) {
        let failed = self.stop_reason == StopReason::StructuredOutputFailed;
        self.structured_output = value;
        self.structured_output_error = problem.filter(|_| failed);
    }

    /// The open questions, if the run waits for answers.
    pub fn interrupts(&self) -> Option<&[Interrupt]> {
        if self.interrupts.is_empty() { None } else { Some(&self.interrupts) }
    }

    /// The text that the model said last.
    pub fn text(&self) -> String {
        self.message.text()
    }

    /// How many tokens the model read in its last call (Strands' `context_size`); none if it made none, or
    /// does not say.
    pub fn context_size(&self) -> Option<u64> {
        self.last_usage().map(|usage| usage.input_tokens)
    }

    /// About how many tokens the model will read in its next call, what is asked then apart (Strands'
    /// `projected_context_size`): those that it read and wrote in its last one.
    pub fn projected_context_size(&self) -> Option<u64> {
        self.last_usage().map(|usage| usage.input_tokens.saturating_add(usage.output_tokens))
    }

    fn last_usage(&self) -> Option<Usage> {
        let said = self.message.metadata.as_ref().and_then(|metadata| metadata.usage);
        let cycles = self.metrics.agent_invocations.last().map(|invocation| &invocation.cycles);
        let counted = || cycles.and_then(|cycles| cycles.last()).map(|cycle| cycle.usage);
        said.or_else(counted).filter(|usage| *usage != Usage::default())
    }

    /// The value of the form that was asked for.
    ///
    /// # Errors
    /// [`ErrorKind::StructuredOutput`] if there is none, or if it is no `T`.
    pub fn output<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let refuse = |text: String| Error::new(ErrorKind::StructuredOutput, text);
        let Some(value) = &self.structured_output else {
            let reason = self.stop_reason.as_str();
            let problem = self
                .structured_output_error
                .as_deref()
                .unwrap_or("none was asked for, or the invocation ended first");
            return Err(refuse(format!(
                "the result has no structured output ({reason}): {problem}"
            )));
        };
        serde_path_to_error::deserialize(value).map_err(|error| {
            let (place, what) = (error.path().to_string(), error.inner().to_string());
            refuse(format!("the structured output is not of this type, at `{place}`: {what}"))
                .with_source(error)
        })
    }
}

/// Two results are equal if they came to the same, however long that took.
impl PartialEq for AgentResult {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            stop_reason,
            message,
            usage,
            cycles,
            metrics: _,
            cost,
            state,
            interrupts,
            structured_output,
            structured_output_error,
            unknown_outcomes,
        } = self;
        *stop_reason == other.stop_reason
            && *message == other.message
            && *usage == other.usage
            && *cycles == other.cycles
            && *cost == other.cost
            && *state == other.state
            && *interrupts == other.interrupts
            && *structured_output == other.structured_output
            && *structured_output_error == other.structured_output_error
            && *unknown_outcomes == other.unknown_outcomes
    }
}

impl fmt::Display for AgentResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(interrupts) = self.interrupts() {
            for interrupt in interrupts {
                writeln!(f, "{}", interrupt.to_dict())?;
            }
            return Ok(());
        }
        if let Some(value) = &self.structured_output {
            return writeln!(f, "{value}");
        }
        let text = self.text();
        if text.is_empty() { Ok(()) } else { writeln!(f, "{text}") }
    }
}

impl Serialize for AgentResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let open = usize::from(!self.interrupts.is_empty());
        let given = usize::from(self.structured_output.is_some());
        let mut object = serializer.serialize_struct("AgentResult", 3 + open + given)?;
        object.serialize_field("type", KIND)?;
        object.serialize_field("message", &self.message)?;
        object.serialize_field("stop_reason", &self.stop_reason)?;
        if open > 0 {
            object.serialize_field("interrupts", &self.interrupts)?;
        }
        if let Some(value) = &self.structured_output {
            object.serialize_field("structured_output", value)?;
        }
        object.end()
    }
}

/// The JSON form.
#[derive(Deserialize)]
struct Stored {
    #[serde(rename = "type")]
    kind: String,
    message: Arc<Message>,
    stop_reason: StopReason,
    #[serde(default)]
    interrupts: Vec<Interrupt>,
    structured_output: Option<Value>,
}

impl<'de> Deserialize<'de> for AgentResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Stored { kind, message, stop_reason, interrupts, structured_output } =
            Stored::deserialize(deserializer)?;
        if kind != KIND {
            let text = format!("this is no `{KIND}`, but a `{kind}`");
            return Err(serde::de::Error::custom(text));
        }
        let result = Self::new(stop_reason, message, Usage::default(), 0);
        Ok(Self { interrupts, structured_output, ..result })
    }
}
