//! A tool use and its result, as they stand in a message.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Extra;
use super::media::{DocumentBlock, ImageBlock};

/// The model asks for a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolUse {
    /// Ties the result to this use; unique within its message.
    #[serde(rename = "toolUseId")]
    pub tool_use_id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments: normally an object.
    pub input: Value,
    /// Keys that this version does not know (`reasoningSignature` is one).
    #[serde(flatten)]
    pub extra: Extra,
}

impl ToolUse {
    /// A use of a tool.
    pub fn new(id: impl Into<String>, name: impl Into<String>, input: Value) -> Self {
        Self { tool_use_id: id.into(), name: name.into(), input, extra: Extra::new() }
    }
}

/// What a tool gave for one use of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The id of the use that this answers.
    #[serde(rename = "toolUseId")]
    pub tool_use_id: String,
    /// Whether it went well.
    #[serde(default)]
    pub status: ToolStatus,
    /// What the model gets to see.
    pub content: Vec<ToolResultContent>,
    /// Keys that this version does not know: kept in the history, not shown to the model.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ToolResult {
    /// A result of one text.
    pub fn new(id: impl Into<String>, status: ToolStatus, text: impl Into<String>) -> Self {
        Self {
            tool_use_id: id.into(),
            status,
            content: vec![ToolResultContent::Text(text.into())],
            extra: Extra::new(),
        }
    }

    /// A good result of one text.
    pub fn success(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(id, ToolStatus::Success, text)
    }

    /// A bad result of one text.
    pub fn error(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(id, ToolStatus::Error, text)
    }

    /// The result as plain text: texts as they are, JSON written out, the rest named.
    pub fn text(&self) -> String {
        let parts: Vec<String> = self
            .content
            .iter()
            .map(|item| match item {
                ToolResultContent::Text(text) => text.clone(),
                ToolResultContent::Json(value) => value.to_string(),
                ToolResultContent::Image(image) => format!("[image: {}]", image.format),
                ToolResultContent::Document(document) => format!("[document: {}]", document.name),
                ToolResultContent::Unknown(map) => Value::Object(map.clone()).to_string(),
            })
            .collect();
        parts.join("\n")
    }
}

/// Whether a tool call went well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolStatus {
    /// It did.
    #[default]
    Success,
    /// It did not; the content says why.
    Error,
}

tagged_enum! {
    /// One part of a tool result.
    pub enum ToolResultContent("a part of a tool result") {
        /// Plain text.
        Text(String) = "text",
        /// Any JSON.
        Json(Value) = "json",
        /// A picture.
        Image(ImageBlock) = "image",
        /// A document.
        Document(DocumentBlock) = "document",
    }
}
