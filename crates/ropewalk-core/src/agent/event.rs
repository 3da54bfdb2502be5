//! What happens in an invocation, for whoever listens.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::decision::DecisionRecord;
use crate::interrupt::Interrupt;
use crate::message::{Message, ToolUse};
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
        current: CurrentToolUse,
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
        tool_use: ToolUse,
        /// The value.
        data: Value,
    },
    /// A hook kept a tool from running.
    ToolCancelled {
        /// The tool use.
        tool_use: ToolUse,
        /// What the model is told.
        message: String,
    },
    /// Questions were asked; the run stops when nothing else can go on.
    ToolInterrupted {
        /// The tool use that they are about; none if they are about the whole batch.
        tool_use: Option<ToolUse>,
        /// The questions.
        interrupts: Vec<Interrupt>,
    },
    /// Questions were asked that are about no tool call; the run stops for them.
    Interrupted {
        /// The questions.
        interrupts: Vec<Interrupt>,
    },
    /// Something was decided about a step.
    Decision(DecisionRecord),
    /// Nobody knows whether this tool call ran: it was cut off, and it is not run again.
    ToolOutcomeUnknown {
        /// The tool use.
        tool_use: ToolUse,
    },
    /// The invocation is about to end with an error.
    ForceStop {
        /// The error.
        reason: String,
    },
    /// The invocation has ended. The last event.
    Result(AgentResult),
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
            Self::ToolOutcomeUnknown { tool_use } => {
                json!({"tool_outcome_unknown_event": {"tool_use": tool_use}})
            }
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
