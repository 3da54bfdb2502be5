//! The chunks that a model streams, in Strands' shapes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StopReason;
use crate::message::{
    Blob, Citation, ContentBlock, Extra, Message, MessageMetadata, Metrics, ReasoningContent, Role,
    Usage,
};

tagged_enum! {
    /// One chunk of a model's answer: an object with one key.
    ///
    /// ```
    /// use ropewalk_core::ModelChunk;
    ///
    /// let json = r#"{"contentBlockDelta":{"delta":{"text":"Hel"}}}"#;
    /// let chunk: ModelChunk = serde_json::from_str(json)?;
    /// assert_eq!(chunk, ModelChunk::text_delta("Hel"));
    /// assert_eq!(serde_json::to_string(&chunk)?, json);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum ModelChunk("a model chunk") {
        /// The answer begins.
        MessageStart(MessageStartChunk) = "messageStart",
        /// A block begins.
        ContentBlockStart(BlockStartChunk) = "contentBlockStart",
        /// A piece of the block.
        ContentBlockDelta(BlockDeltaChunk) = "contentBlockDelta",
        /// The block is whole.
        ContentBlockStop(BlockStopChunk) = "contentBlockStop",
        /// The answer is whole.
        MessageStop(MessageStopChunk) = "messageStop",
        /// What the answer used.
        Metadata(Box<MetadataChunk>) = "metadata",
        /// A guardrail took something back.
        RedactContent(RedactChunk) = "redactContent",
    }
}

/// The answer begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageStartChunk {
    /// Whose it is: the assistant's.
    pub role: Role,
}

/// A block begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStartChunk {
    /// Which block; blocks come one after the other, so nothing depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_block_index: Option<u32>,
    /// What kind of block.
    #[serde(default)]
    pub start: BlockStart,
}

/// What kind of block begins: a tool use, or anything else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStart {
    /// Set if it is a tool use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use: Option<ToolUseStart>,
}

/// A tool use begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUseStart {
    /// The id that ties the result to the use.
    #[serde(default)]
    pub tool_use_id: String,
    /// The tool's name.
    #[serde(default)]
    pub name: String,
    /// Keys that this version does not know (`reasoningSignature` is one).
    #[serde(flatten)]
    pub extra: Extra,
}

/// A piece of a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockDeltaChunk {
    /// Which block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_block_index: Option<u32>,
    /// The piece.
    pub delta: BlockDelta,
}

tagged_enum! {
    /// A piece of a block.
    pub enum BlockDelta("a delta") {
        /// Text.
        Text(String) = "text",
        /// A fragment of a tool use's arguments.
        ToolUse(ToolUseDelta) = "toolUse",
        /// Thoughts.
        ReasoningContent(ReasoningDelta) = "reasoningContent",
        /// A source for the text of this block.
        Citation(Box<Citation>) = "citation",
    }
}

/// A fragment of the JSON of a tool use's arguments; providers cut it anywhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUseDelta {
    /// The fragment.
    #[serde(default)]
    pub input: String,
    /// The id, if the provider tells it only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// The name, if the provider tells it only now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A piece of a reasoning block: one of the three.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReasoningDelta {
    /// Thoughts in the open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The provider's signature over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Thoughts that the provider sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted_content: Option<Blob>,
}

/// The block is whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockStopChunk {
    /// Which block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_block_index: Option<u32>,
}

/// The answer is whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageStopChunk {
    /// Why it ends here.
    pub stop_reason: StopReason,
    /// What else the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub additional_model_response_fields: Option<Value>,
}

/// What the answer used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetadataChunk {
    /// Tokens.
    #[serde(default)]
    pub usage: Usage,
    /// Times.
    #[serde(default)]
    pub metrics: Metrics,
    /// A guardrail's trace and other keys, kept as they came.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A guardrail took something back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RedactChunk {
    /// What stands in place of the user's last message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redact_user_content_message: Option<String>,
    /// What stands in place of this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redact_assistant_content_message: Option<String>,
}

impl ModelChunk {
    /// The answer begins.
    pub fn message_start() -> Self {
        Self::MessageStart(MessageStartChunk { role: Role::Assistant })
    }

    /// A block of text or thoughts begins.
    pub fn block_start() -> Self {
        Self::ContentBlockStart(BlockStartChunk::default())
    }

    /// A tool use begins.
    pub fn tool_use_start(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self::start_of(ToolUseStart {
            tool_use_id: id.into(),
            name: name.into(),
            extra: Extra::new(),
        })
    }

    fn start_of(tool_use: ToolUseStart) -> Self {
        let start = BlockStart { tool_use: Some(tool_use) };
        Self::ContentBlockStart(BlockStartChunk { content_block_index: None, start })
    }

    /// A piece of text.
    pub fn text_delta(text: impl Into<String>) -> Self {
        Self::delta(BlockDelta::Text(text.into()))
    }

    /// A fragment of a tool use's arguments.
    pub fn input_delta(fragment: impl Into<String>) -> Self {
        let delta = ToolUseDelta { input: fragment.into(), ..ToolUseDelta::default() };
        Self::delta(BlockDelta::ToolUse(delta))
    }

    /// A piece of thoughts.
    pub fn reasoning_delta(text: impl Into<String>) -> Self {
        let delta = ReasoningDelta { text: Some(text.into()), ..ReasoningDelta::default() };
        Self::delta(BlockDelta::ReasoningContent(delta))
    }

    /// Any piece.
    pub fn delta(delta: BlockDelta) -> Self {
        Self::ContentBlockDelta(BlockDeltaChunk { content_block_index: None, delta })
    }

    /// The block is whole.
    pub fn block_stop() -> Self {
        Self::ContentBlockStop(BlockStopChunk::default())
    }

    /// The answer is whole.
    pub fn message_stop(stop_reason: StopReason) -> Self {
        Self::MessageStop(MessageStopChunk { stop_reason, additional_model_response_fields: None })
    }

    /// What the answer used.
    pub fn metadata(usage: Usage, metrics: Metrics) -> Self {
        Self::Metadata(Box::new(MetadataChunk { usage, metrics, extra: Extra::new() }))
    }

    /// All chunks of an answer of one text.
    pub fn text_message(
        text: impl Into<String>,
        stop_reason: StopReason,
        usage: Usage,
    ) -> Vec<Self> {
        Self::from_message(&Message::assistant(text), stop_reason, usage)
    }

    /// All chunks of an answer that is already there. Blocks that a model can't stream (pictures,
    /// documents) are left out.
    pub fn from_message(message: &Message, stop_reason: StopReason, usage: Usage) -> Vec<Self> {
        let mut chunks = vec![Self::message_start()];
        for block in &message.content {
            let (start, deltas) = match block {
                ContentBlock::Text(text) => (Self::block_start(), vec![Self::text_delta(text)]),
                ContentBlock::ToolUse(tool_use) => (
                    Self::start_of(ToolUseStart {
                        tool_use_id: tool_use.tool_use_id.clone(),
                        name: tool_use.name.clone(),
                        extra: tool_use.extra.clone(),
                    }),
                    vec![Self::input_delta(tool_use.input.to_string())],
                ),
                ContentBlock::ReasoningContent(reasoning) => {
                    (Self::block_start(), reasoning_deltas(reasoning))
                }
                ContentBlock::CitationsContent(cited) => {
                    let texts = cited.content.iter().map(|part| Self::text_delta(&part.text));
                    let sources = cited
                        .citations
                        .iter()
                        .cloned()
                        .map(|source| BlockDelta::Citation(Box::new(source)));
                    (Self::block_start(), texts.chain(sources.map(Self::delta)).collect())
                }
                ContentBlock::Unknown(block) => {
                    let whole = Self::delta(BlockDelta::Unknown(block.clone()));
                    (Self::block_start(), vec![whole])
                }
                _ => continue,
            };
            chunks.push(start);
            chunks.extend(deltas);
            chunks.push(Self::block_stop());
        }
        let fields = message.metadata.as_ref().and_then(MessageMetadata::provider_fields);
        chunks.push(Self::MessageStop(MessageStopChunk {
            stop_reason,
            additional_model_response_fields: fields.cloned(),
        }));
        chunks.push(Self::metadata(usage, Metrics::default()));
        chunks
    }
}

fn reasoning_deltas(reasoning: &ReasoningContent) -> Vec<ModelChunk> {
    let delta = |delta| ModelChunk::delta(BlockDelta::ReasoningContent(delta));
    match reasoning {
        ReasoningContent::ReasoningText(thoughts) => {
            let mut deltas = vec![ModelChunk::reasoning_delta(&thoughts.text)];
            deltas.extend(thoughts.signature.clone().map(|signature| {
                delta(ReasoningDelta { signature: Some(signature), ..ReasoningDelta::default() })
            }));
            deltas
        }
        ReasoningContent::RedactedContent(blob) => vec![delta(ReasoningDelta {
            redacted_content: Some(blob.clone()),
            ..ReasoningDelta::default()
        })],
        ReasoningContent::Unknown(_) => Vec::new(),
    }
}
