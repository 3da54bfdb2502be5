//! What happens in an invocation, for whoever listens.

use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::conversation::EditReason;
use crate::decision::DecisionRecord;
use crate::interrupt::Interrupt;
use crate::message::{Message, ToolUse, TranscriptEdit};
use crate::model::{BlockDelta, ModelChunk};
use crate::view::AgentResult;

/// Something that happened in an invocation. Its JSON form has exactly the keys of Strands' stream
/// (`data`, `delta`, `current_tool_use`, `message`, `result` …).
///
/// ```
/// use ropewalk_core::AgentEvent;
///
/// assert_eq!(serde_json::to_string(&AgentEvent::Start)?, r#"{"start":true}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AgentEvent {
    /// An invocation begins.
    InitEventLoop,
    /// A cycle begins.
    Start,
    /// The cycle's work begins.
    StartEventLoop,
    /// A chunk came from the model, just as it is.
    Chunk(ModelChunk),
    /// A piece of text came.
    Text(String),
    /// A piece of a tool use's arguments came.
    ToolUseStream {
        /// The piece.
        delta: BlockDelta,
        /// The tool use so far.
        current: Box<CurrentToolUse>,
    },
    /// A piece of thoughts came: open, signed or sealed.
    Reasoning(BlockDelta),
    /// A source for the text came.
    Citation(BlockDelta),
    /// The value that was asked for is being written; this is what there is of it.
    StructuredOutputStream {
        /// The value so far, with whatever was open closed.
        partial: Value,
    },
    /// The value that was asked for is there.
    StructuredOutput(Value),
    /// A message is whole: the assistant's answer, or the tools' results.
    Message(Arc<Message>),
    /// A tool sent a value while it runs.
    ToolStream {
        /// The tool use that it works for.
        tool_use: Arc<ToolUse>,
        /// The value.
        data: Value,
    },
    /// A hook kept a tool from running.
    ToolCancelled {
        /// The tool use.
        tool_use: Arc<ToolUse>,
        /// What the model is told.
        message: String,
    },
    /// Questions were asked; the run stops when nothing else can go on.
    ToolInterrupted {
        /// The tool use that they are about; none if they are about the whole batch.
        tool_use: Option<Arc<ToolUse>>,
        /// The questions.
        interrupts: Vec<Interrupt>,
    },
    /// Questions were asked that are about no tool call; the run stops for them.
    Interrupted {
        /// The questions.
        interrupts: Vec<Interrupt>,
    },
    /// Something was decided about a step.
    Decision(Box<DecisionRecord>),
    /// The history was edited: messages were left out, or others stand in their place. JSON:
    /// `{"history_edited_event": {"edit": [{"at", "removed"?, "inserted"?}], "reason", "manager"}}`,
    /// places as they were before, `manager` null if it was done by hand.
    HistoryEdited {
        /// What changed.
        edit: Arc<TranscriptEdit>,
        /// Why.
        reason: EditReason,
        /// The conversation manager that wanted it; none if it was done by hand.
        manager: Option<String>,
    },
    /// Nobody knows whether this tool call ran: it was cut off, and it is not run again.
    ToolOutcomeUnknown {
        /// The tool use.
        tool_use: Arc<ToolUse>,
    },
    /// What was streamed of an answer counts for nothing: the model is asked again. Whoever showed it
    /// takes it back: all that came since the last [`Message`](Self::Message). (An answer that breaks
    /// off and is not asked for again ends with [`ForceStop`](Self::ForceStop).)
    Rollback {
        /// Why.
        reason: RollbackReason,
    },
    /// A model call failed and is made again after a wait, which begins now.
    ThrottledDelay {
        /// How long it waits.
        delay: Duration,
        /// Which attempt failed, from 1.
        attempt: u32,
        /// How it failed.
        error: String,
    },
    /// The invocation is about to end with an error.
    ForceStop {
        /// The error.
        reason: String,
    },
    /// The invocation has ended. The last event.
    Result(Box<AgentResult>),
}

/// A tool use while the model is still writing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CurrentToolUse {
    /// Its id.
    #[serde(rename = "toolUseId")]
    pub tool_use_id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments so far: a piece of JSON.
    pub input: String,
}

/// Why what was streamed of an answer counts for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RollbackReason {
    /// It broke off, and the model is asked again.
    Retry,
    /// A hook wants another answer.
    Hook,
    /// It did not fit the model's window, and the model is asked again with less.
    ContextOverflow,
}

impl AgentEvent {
    fn to_json(&self) -> Value {
        match self {
            Self::InitEventLoop => json!({"init_event_loop": true}),
            Self::Start => json!({"start": true}),
            Self::StartEventLoop => json!({"start_event_loop": true}),
            Self::Chunk(chunk) => json!({"event": chunk}),
            Self::Text(text) => json!({"data": text, "delta": {"text": text}}),
            Self::ToolUseStream { delta, current } => {
                json!({"type": "tool_use_stream", "delta": delta, "current_tool_use": current})
            }
            Self::Reasoning(delta) => reasoning(delta),
            Self::Citation(delta) => match delta {
                BlockDelta::Citation(citation) => json!({"citation": citation, "delta": delta}),
                other => json!({"delta": other}),
            },
            Self::StructuredOutputStream { partial } => json!({
                "type": "structured_output_stream",
                "partial_structured_output": partial,
            }),
            Self::StructuredOutput(value) => json!({"structured_output": value}),
            Self::Message(message) => json!({"message": message}),
            Self::ToolStream { tool_use, data } => json!({
                "type": "tool_stream",
                "tool_stream_event": {"tool_use": tool_use, "data": data},
            }),
            Self::ToolCancelled { tool_use, message } => {
                json!({"tool_cancel_event": {"tool_use": tool_use, "message": message}})
            }
            Self::ToolInterrupted { tool_use, interrupts } => {
                json!({"tool_interrupt_event": {"tool_use": tool_use, "interrupts": interrupts}})
            }
            Self::Interrupted { interrupts } => {
                json!({"interrupt_event": {"interrupts": interrupts}})
            }
            Self::Decision(decision) => json!({"decision_event": decision}),
            Self::HistoryEdited { edit, reason, manager } => json!({
                "history_edited_event": {"edit": edit, "reason": reason, "manager": manager},
            }),
            Self::ToolOutcomeUnknown { tool_use } => {
                json!({"tool_outcome_unknown_event": {"tool_use": tool_use}})
            }
            Self::Rollback { reason } => {
                json!({"rollback_event": {"reason": reason}})
            }
            // A number of seconds, as in Strands; a whole one where it is one.
            Self::ThrottledDelay { delay, .. } => match delay.subsec_nanos() {
                0 => json!({"event_loop_throttled_delay": delay.as_secs()}),
                _ => json!({"event_loop_throttled_delay": delay.as_secs_f64()}),
            },
            Self::ForceStop { reason } => {
                json!({"force_stop": true, "force_stop_reason": reason})
            }
            Self::Result(result) => json!({"result": result}),
        }
    }
}

fn reasoning(delta: &BlockDelta) -> Value {
    let mut event = json!({"delta": delta, "reasoning": true});
    if let (BlockDelta::ReasoningContent(piece), Some(event)) = (delta, event.as_object_mut()) {
        if let Some(text) = &piece.text {
            event.insert("reasoningText".to_owned(), json!(text));
        }
        if let Some(signature) = &piece.signature {
            event.insert("reasoning_signature".to_owned(), json!(signature));
        }
        if let Some(sealed) = &piece.redacted_content {
            event.insert("reasoningRedactedContent".to_owned(), json!(sealed));
        }
    }
    event
}

impl Serialize for AgentEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}
