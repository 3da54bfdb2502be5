//! A tool use and its result, as they stand in a message.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::media::{DocumentBlock, ImageBlock};
use super::{Extra, few};
use crate::error::{Error, ErrorKind};

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
    #[serde(deserialize_with = "few::read")]
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

    /// What the tool gave, as a value: of one that gave JSON, or a text that is JSON, as those with `#[tool]`
    /// do for whatever is no text itself. A text that is none is read as a string.
    ///
    /// ```
    /// use ropewalk_core::ToolResult;
    ///
    /// assert_eq!(ToolResult::success("t1", "42").value::<i64>()?, 42);
    /// assert_eq!(ToolResult::success("t1", "forty-two").value::<String>()?, "forty-two");
    /// assert!(ToolResult::error("t1", "Error: too large").value::<i64>().is_err());
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Other`] with what the tool said if it failed; [`ErrorKind::Malformed`] if what it gave is
    /// no `T`, or not one text or JSON.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.status == ToolStatus::Error {
            return Err(Error::new(ErrorKind::Other, self.text()));
        }
        let read = match &self.content[..] {
            [ToolResultContent::Json(value)] => T::deserialize(value),
            [ToolResultContent::Text(text)] => {
                let as_string = || T::deserialize(Value::from(text.as_str()));
                // A text in quotes is more likely a text than JSON.
                match text.starts_with('"') {
                    true => as_string().or_else(|_| serde_json::from_str(text)),
                    false => serde_json::from_str(text).or_else(|no| as_string().map_err(|_| no)),
                }
            }
            _ => Err(serde_json::Error::custom("it is not one text or JSON")),
        };
        read.map_err(|error| {
            let text = format!("the result of the tool is not of this type: {error}");
            Error::new(ErrorKind::Malformed, text).with_source(error)
        })
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
