//! What is said: content blocks, messages, and the transcript that holds them.
//!
//! The JSON of every type here is that of Strands Agents, to the letter, so that histories move
//! between the two. Blocks, and keys of messages and blocks, that this version does not know are
//! kept.

mod blob;
mod block;
mod edit;
mod estimate;
mod few;
mod media;
mod pin;
mod prompt;
mod repair;
mod system;
mod tool;
mod transcript;
mod usage;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use blob::Blob;
pub use block::{
    CachePoint, Citation, CitationsContent, ContentBlock, GuardContent, GuardText,
    InterruptResponse, ReasoningContent, ReasoningText, TextBlock,
};
pub use edit::{Splice, TranscriptEdit};
pub use media::{AudioBlock, DocumentBlock, ImageBlock, Source, VideoBlock};
pub use prompt::Prompt;
pub(crate) use repair::INTERRUPTED;
pub use repair::Repair;
pub use system::{SystemBlock, SystemPrompt};
pub use tool::{ToolResult, ToolResultContent, ToolStatus, ToolUse};
pub use transcript::{Transcript, TranscriptError};
pub use usage::{Metrics, Usage};

/// Keys of a JSON object that this version has no field for: kept as they came.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// Who said a message. There is no system role: the system prompt stands outside the transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person or program that uses the agent; tool results come under this role too.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
///
/// ```
/// use ropewalk_core::Message;
///
/// let message = Message::user("How high is Säntis?");
/// let json = serde_json::to_string(&message)?;
/// assert_eq!(json, r#"{"role":"user","content":[{"text":"How high is Säntis?"}]}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said, in order.
    #[serde(deserialize_with = "few::read")]
    pub content: Vec<ContentBlock>,
    /// What was measured when it was made, and what the user attached to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MessageMetadata>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What Strands attaches to a message since 1.36.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageMetadata {
    /// Tokens that the model call behind this message used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Times of the model call behind this message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// The user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<serde_json::Value>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl MessageMetadata {
    /// Where what a provider said of an answer stands among the other keys.
    const OF_PROVIDER: &str = "additionalModelResponseFields";

    /// Metadata of an answer, of which the provider said more than what it is made of.
    pub(crate) fn of_provider(fields: serde_json::Value) -> Self {
        let extra = Extra::from_iter([(Self::OF_PROVIDER.to_owned(), fields)]);
        Self { extra, ..Self::default() }
    }

    /// What the provider said of the answer beside what it is made of, as its adapter left it for itself: with it a
    /// conversation may go on where the provider keeps it.
    pub fn provider_fields(&self) -> Option<&serde_json::Value> {
        self.extra.get(Self::OF_PROVIDER)
    }
}

impl Message {
    /// A message of a role with the given blocks.
    pub fn new(role: Role, content: Vec<ContentBlock>) -> Self {
        Self { role, content, metadata: None, extra: Extra::new() }
    }

    /// A user message of one text block.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![ContentBlock::Text(text.into())])
    }

    /// An assistant message of one text block.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, vec![ContentBlock::Text(text.into())])
    }

    /// The user message that carries tool results.
    pub fn tool_results(results: impl IntoIterator<Item = ToolResult>) -> Self {
        Self::new(Role::User, results.into_iter().map(ContentBlock::ToolResult).collect())
    }

    /// The texts of the message, each block on a line of its own. Text inside cited content counts.
    pub fn text(&self) -> String {
        texts(&self.content).collect::<Vec<_>>().join("\n")
    }

    /// The tool uses in the message, in order.
    pub fn tool_uses(&self) -> impl Iterator<Item = &ToolUse> + Clone {
        self.shared_tool_uses().map(|tool_use| &**tool_use)
    }

    pub(crate) fn shared_tool_uses(&self) -> impl Iterator<Item = &Arc<ToolUse>> + Clone {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ToolUse(tool_use) => Some(tool_use),
            _ => None,
        })
    }

    /// Whether there is a tool use in it.
    fn asks(&self) -> bool {
        self.content.iter().any(|block| matches!(block, ContentBlock::ToolUse(_)))
    }

    /// Whether there is a tool result in it.
    fn answers(&self) -> bool {
        self.content.iter().any(|block| matches!(block, ContentBlock::ToolResult(_)))
    }

    /// The tool results in the message, in order.
    pub fn results(&self) -> impl Iterator<Item = &ToolResult> + Clone {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ToolResult(result) => Some(result),
            _ => None,
        })
    }
}

/// The texts in blocks, in order. Text inside cited content counts.
pub(crate) fn texts(content: &[ContentBlock]) -> impl Iterator<Item = &str> {
    content.iter().flat_map(|block| {
        let (plain, cited) = match block {
            ContentBlock::Text(text) => (Some(text.as_str()), &[][..]),
            ContentBlock::CitationsContent(cited) => (None, &cited.content[..]),
            _ => (None, &[][..]),
        };
        plain.into_iter().chain(cited.iter().map(|part| part.text.as_str()))
    })
}
