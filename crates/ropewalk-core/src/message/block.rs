//! The blocks a message is made of.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::media::{AudioBlock, DocumentBlock, ImageBlock, VideoBlock};
use super::tool::{ToolResult, ToolUse};
use super::{Blob, Extra};

tagged_enum! {
    /// One block of a message's content: an object with one key, as in Strands (`ContentBlock`).
    ///
    /// ```
    /// use ropewalk_core::ContentBlock;
    ///
    /// let block: ContentBlock = serde_json::from_str(r#"{"text": "hello"}"#)?;
    /// assert_eq!(block, ContentBlock::Text("hello".into()));
    /// let strange: ContentBlock = serde_json::from_str(r#"{"hologram": {"angle": 7}}"#)?;
    /// assert_eq!(serde_json::to_string(&strange)?, r#"{"hologram":{"angle":7}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum ContentBlock("a content block") {
        /// Plain text.
        Text(String) = "text",
        /// A picture.
        Image(ImageBlock) = "image",
        /// A document.
        Document(DocumentBlock) = "document",
        /// A film.
        Video(VideoBlock) = "video",
        /// Sound.
        Audio(AudioBlock) = "audio",
        /// The model asks for a tool. It is shared with the call that is made for it.
        ToolUse(Arc<ToolUse>) = "toolUse",
        /// What the tool gave.
        ToolResult(ToolResult) = "toolResult",
        /// What the model thought before it spoke.
        ReasoningContent(ReasoningContent) = "reasoningContent",
        /// Everything up to here may be cached by the provider.
        CachePoint(CachePoint) = "cachePoint",
        /// Text that a guardrail must look at.
        GuardContent(GuardContent) = "guardContent",
        /// Text with its sources.
        CitationsContent(CitationsContent) = "citationsContent",
        /// An answer to an interrupt: in a prompt only, never in a transcript.
        InterruptResponse(InterruptResponse) = "interruptResponse",
    }
}

impl From<&str> for ContentBlock {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ContentBlock {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<ToolUse> for ContentBlock {
    fn from(tool_use: ToolUse) -> Self {
        Self::ToolUse(Arc::new(tool_use))
    }
}

impl From<ToolResult> for ContentBlock {
    fn from(result: ToolResult) -> Self {
        Self::ToolResult(result)
    }
}

tagged_enum! {
    /// What the model thought before it spoke.
    pub enum ReasoningContent("reasoning content") {
        /// In the open.
        ReasoningText(ReasoningText) = "reasoningText",
        /// Sealed by the provider.
        RedactedContent(Blob) = "redactedContent",
    }
}

/// Thoughts in the open, with the signature that lets the provider trust them when they come back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasoningText {
    /// The thoughts.
    #[serde(default)]
    pub text: String,
    /// The provider's signature over them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Everything up to this block may be cached by the provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CachePoint {
    /// The kind of cache; `default` is the only one in use.
    #[serde(rename = "type", default = "CachePoint::default_kind")]
    pub kind: String,
    /// How long it is kept, in the provider's words (`5m`, `1h`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CachePoint {
    fn default_kind() -> String {
        "default".to_owned()
    }
}

impl Default for CachePoint {
    fn default() -> Self {
        Self { kind: Self::default_kind(), ttl: None, extra: Extra::new() }
    }
}

/// Text that a guardrail must look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardContent {
    /// The text and what it is for.
    pub text: GuardText,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The text of a [`GuardContent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardText {
    /// The text.
    pub text: String,
    /// `grounding_source`, `query`, `guard_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualifiers: Option<Vec<String>>,
}

/// Text with its sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CitationsContent {
    /// The sources.
    #[serde(default)]
    pub citations: Vec<Citation>,
    /// The text they stand behind.
    #[serde(default)]
    pub content: Vec<TextBlock>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// Where it is: an object with one key such as `documentPage` or `web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Value>,
    /// The words it is cited for.
    #[serde(rename = "sourceContent", default, skip_serializing_if = "Option::is_none")]
    pub source_content: Option<Vec<TextBlock>>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A text in an object of its own: `{"text": …}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextBlock {
    /// The text.
    pub text: String,
}

/// An answer to one interrupt, as part of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterruptResponse {
    /// The interrupt's id.
    #[serde(rename = "interruptId")]
    pub interrupt_id: String,
    /// The answer: any JSON but null, which means "not answered".
    pub response: Value,
}
