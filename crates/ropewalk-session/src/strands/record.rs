//! What is in Strands' files, field by field and in its order.

use indexmap::IndexMap;
use ropewalk_core::{Interrupt, Message, ToolResult};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::time;

/// Keys that this version does not know: kept as they came.
type Extra = Map<String, Value>;

/// `session.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SessionRecord {
    session_id: String,
    session_type: String,
    #[serde(default = "time::now")]
    created_at: String,
    #[serde(default = "time::now")]
    updated_at: String,
}

impl SessionRecord {
    pub(super) fn new(session_id: &str) -> Self {
        Self {
            session_id: session_id.to_owned(),
            session_type: "AGENT".to_owned(),
            created_at: time::now(),
            updated_at: time::now(),
        }
    }
}

/// `agent.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct AgentRecord {
    pub(super) agent_id: String,
    pub(super) state: Map<String, Value>,
    pub(super) conversation_manager_state: ManagerRecord,
    #[serde(rename = "_internal_state", default)]
    pub(super) internal_state: InternalState,
    #[serde(default = "time::now")]
    pub(super) created_at: String,
    #[serde(default = "time::now")]
    pub(super) updated_at: String,
    /// Ours: Strands leaves it out when it writes the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ropewalk: Option<Mark>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

impl AgentRecord {
    /// True if both say the same of an agent, whoever wrote them.
    pub(super) fn says_what(&self, other: &Self) -> bool {
        let asked = |agent: &Self| agent.internal_state.interrupt_state.clone().unwrap_or_default();
        let (one, two) = (asked(self), asked(other));
        self.state == other.state
            && self.conversation_manager_state == other.conversation_manager_state
            && (one.activated, &one.interrupts, one.pending())
                == (two.activated, &two.interrupts, two.pending())
    }
}

/// What says that a file is as Ropewalk left it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The run that it shows.
    pub(super) run_id: String,
    /// The number of the next message, when it was written.
    pub(super) next_message: u64,
}

/// What the conversation manager keeps. Those that are no managers of Strands' may have left it empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ManagerRecord {
    /// The message that stands for those before it: only one manager has the field, and there it may be
    /// null.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "also_null")]
    pub(super) summary_message: Option<Option<Message>>,
    #[serde(rename = "__name__", default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) removed_message_count: usize,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

impl ManagerRecord {
    /// What a manager of this name begins with.
    pub(super) fn new(name: &str) -> Self {
        let mut new = Self { name: Some(name.to_owned()), ..Self::default() };
        match name {
            "SummarizingConversationManager" => new.summary_message = Some(None),
            "SlidingWindowConversationManager" => {
                new.extra.insert("model_call_count".to_owned(), Value::from(0));
            }
            _ => {}
        }
        new
    }

    /// True if it keeps a message apart from the others, or may.
    pub(super) fn is_summarizing(&self) -> bool {
        self.summary_message.is_some()
    }

    pub(super) fn summary(&self) -> Option<&Message> {
        self.summary_message.as_ref()?.as_ref()
    }
}

/// A null that is there is another thing than nothing.
fn also_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `_internal_state`; `model_state` is among the extra ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct InternalState {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) interrupt_state: Option<InterruptState>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// Questions, and the tool calls that wait for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct InterruptState {
    /// By their ids.
    pub(super) interrupts: IndexMap<String, Interrupt>,
    pub(super) context: Context,
    pub(super) activated: bool,
    /// Since 1.55.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending_tool_execution: Option<Pending>,
}

/// Before 1.55 the tool calls that wait stood here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Context {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tool_use_message: Option<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tool_results: Option<Vec<ToolResult>>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

/// Tool calls that wait. Strands accepts no other keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) assistant_message: Message,
    pub(super) completed_tool_results: Vec<ToolResult>,
}

impl InterruptState {
    /// The tool calls that wait, wherever they stand.
    pub(super) fn pending(&self) -> Option<Pending> {
        self.pending_tool_execution.clone().or_else(|| {
            Some(Pending {
                assistant_message: self.context.tool_use_message.clone()?,
                completed_tool_results: self.context.tool_results.clone().unwrap_or_default(),
            })
        })
    }
}

/// `message_<n>.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MessageRecord {
    pub(super) message: Message,
    pub(super) message_id: u64,
    /// What stands in its place.
    #[serde(default)]
    pub(super) redact_message: Option<Message>,
    #[serde(default = "time::now")]
    pub(super) created_at: String,
    #[serde(default = "time::now")]
    pub(super) updated_at: String,
    /// Ours: the run whose message it is. Strands leaves it out when it writes the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ropewalk: Option<String>,
    #[serde(flatten)]
    pub(super) extra: Extra,
}

impl MessageRecord {
    pub(super) fn new(message: &Message, number: u64, run_id: &str) -> Self {
        Self {
            message: message.clone(),
            message_id: number,
            redact_message: None,
            created_at: time::now(),
            updated_at: time::now(),
            ropewalk: Some(run_id.to_owned()),
            extra: Extra::new(),
        }
    }

    /// The message as it stands now.
    pub(super) fn into_shown(self) -> Message {
        self.redact_message.unwrap_or(self.message)
    }
}
