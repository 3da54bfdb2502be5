//! The model an agent asks: what it takes, what it streams, and how that becomes a message.

mod assemble;
mod chunk;
mod native;
mod request;
mod spec;
mod timeouts;

use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

pub use assemble::{MalformedInput, MessageAssembler, ModelTurn};
pub use chunk::{
    BlockDelta, BlockDeltaChunk, BlockStart, BlockStartChunk, BlockStopChunk, MessageStartChunk,
    MessageStopChunk, MetadataChunk, ModelChunk, ReasoningDelta, RedactChunk, ToolUseDelta,
    ToolUseStart,
};
pub use native::NativeOutput;
pub use request::{ModelRequest, ToolChoice};
pub(crate) use spec::without_numeric_format;
pub use spec::{ToolExample, ToolSpec, schema_of};
pub use timeouts::ModelTimeouts;

/// A stream on the heap.
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// A language model: takes a conversation, streams an answer.
///
/// An implementation sends the chunks of one message, in Strands' shapes: `messageStart`, then for
/// each block `contentBlockStart`, its deltas and `contentBlockStop`, then `messageStop` with the
/// reason, and `metadata` with the usage. Blocks come one after the other. An answer that breaks
/// off must end with an error, never without `messageStop`.
///
/// ```
/// use ropewalk_core::{BoxStream, Error, Model, ModelChunk, ModelRequest, StopReason, Usage};
///
/// #[derive(Debug)]
/// struct Echo;
///
/// impl Model for Echo {
///     fn id(&self) -> &str {
///         "echo"
///     }
///
///     fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
///         let text = request.messages.last().map(|m| m.text()).unwrap_or_default();
///         let chunks = ModelChunk::text_message(text, StopReason::EndTurn, Usage::default());
///         Box::pin(futures_util::stream::iter(chunks.into_iter().map(Ok)))
///     }
/// }
/// ```
pub trait Model: Send + Sync + 'static {
    /// Which model this is, as the user would name it: `openai:gpt-4o-mini`, `local`.
    fn id(&self) -> &str;

    /// Asks the model. Nothing happens before the stream is polled; dropping it stops the call.
    ///
    /// # Errors
    /// Come as an item of the stream, which then ends: [`ErrorKind`](crate::ErrorKind) says
    /// whether it was throttled, too long for the window, refused, or something else.
    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>>;

    /// How far the model can hold to a JSON Schema by itself, which a request gives in
    /// [`output_schema`](ModelRequest::output_schema). Where it can't, the value comes through a tool.
    fn native_output(&self) -> NativeOutput {
        NativeOutput::No
    }

    /// How many tokens the model's window holds, where that is known.
    fn context_limit(&self) -> Option<u64> {
        None
    }
}

/// A model that is shared is a model.
impl<M: Model + ?Sized> Model for Arc<M> {
    fn id(&self) -> &str {
        (**self).id()
    }

    fn stream(&self, request: ModelRequest) -> BoxStream<'_, Result<ModelChunk, Error>> {
        (**self).stream(request)
    }

    fn native_output(&self) -> NativeOutput {
        (**self).native_output()
    }

    fn context_limit(&self) -> Option<u64> {
        (**self).context_limit()
    }
}

/// Why a model, or an invocation, ended.
///
/// As JSON it is a string, `end_turn` and so on; a reason that this version does not know is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// The model has said all it wants to say.
    EndTurn,
    /// The model asks for tools.
    ToolUse,
    /// The limit of output tokens was reached: the answer is cut off.
    MaxTokens,
    /// One of the stop sequences came.
    StopSequence,
    /// The provider's filter stopped the answer.
    ContentFiltered,
    /// A guardrail stopped the answer.
    GuardrailIntervened,
    /// Questions are open: the run waits for answers.
    Interrupt,
    /// The invocation was cancelled.
    Cancelled,
    /// The limit of turns was reached; see [`Limits`](crate::Limits).
    LimitTurns,
    /// The limit of tokens was reached.
    LimitTotalTokens,
    /// The limit of tokens written was reached.
    LimitOutputTokens,
    /// The limit of tokens read was reached.
    LimitInputTokens,
    /// The limit of cost was reached.
    LimitCost,
    /// The limit of time was reached.
    LimitTime,
    /// The limit of tool calls was reached.
    LimitToolCalls,
    /// The model gave no value of the form that was asked for.
    StructuredOutputFailed,
    /// A reason that this version does not know.
    Other(String),
}

impl StopReason {
    /// The reason as it stands in JSON.
    pub fn as_str(&self) -> &str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::StopSequence => "stop_sequence",
            Self::ContentFiltered => "content_filtered",
            Self::GuardrailIntervened => "guardrail_intervened",
            Self::Interrupt => "interrupt",
            Self::Cancelled => "cancelled",
            Self::LimitTurns => "limit_turns",
            Self::LimitTotalTokens => "limit_total_tokens",
            Self::LimitOutputTokens => "limit_output_tokens",
            Self::LimitInputTokens => "limit_input_tokens",
            Self::LimitCost => "limit_cost",
            Self::LimitTime => "limit_time",
            Self::LimitToolCalls => "limit_tool_calls",
            Self::StructuredOutputFailed => "structured_output_failed",
            Self::Other(reason) => reason,
        }
    }
}

impl StopReason {
    /// True if one of the invocation's [`Limits`](crate::Limits) was reached.
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::LimitTurns
                | Self::LimitTotalTokens
                | Self::LimitOutputTokens
                | Self::LimitInputTokens
                | Self::LimitCost
                | Self::LimitTime
                | Self::LimitToolCalls
        )
    }
}

impl From<&str> for StopReason {
    fn from(reason: &str) -> Self {
        match reason {
            "end_turn" => Self::EndTurn,
            "tool_use" => Self::ToolUse,
            "max_tokens" => Self::MaxTokens,
            "stop_sequence" => Self::StopSequence,
            "content_filtered" => Self::ContentFiltered,
            "guardrail_intervened" => Self::GuardrailIntervened,
            "interrupt" => Self::Interrupt,
            "cancelled" => Self::Cancelled,
            "limit_turns" => Self::LimitTurns,
            "limit_total_tokens" => Self::LimitTotalTokens,
            "limit_output_tokens" => Self::LimitOutputTokens,
            "limit_input_tokens" => Self::LimitInputTokens,
            "limit_cost" => Self::LimitCost,
            "limit_time" => Self::LimitTime,
            "limit_tool_calls" => Self::LimitToolCalls,
            "structured_output_failed" => Self::StructuredOutputFailed,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Serialize for StopReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for StopReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|reason| Self::from(reason.as_str()))
    }
}
