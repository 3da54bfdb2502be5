//! What a tool gives.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ToolContext, ToolFailure};
use crate::error::{BoxError, with_causes};
use crate::message::{Extra, ToolResult, ToolResultContent, ToolStatus};

/// What a tool gives, before it is tied to the use that asked for it.
///
/// A function with `#[tool]` may return this, or anything that serialises to JSON: a string becomes
/// a text, everything else its JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolOutput {
    /// Whether it went well.
    pub status: ToolStatus,
    /// What the model gets to see.
    pub content: Vec<ToolResultContent>,
    /// More keys for the result in the history, not shown to the model.
    pub extra: Extra,
}

impl ToolOutput {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![ToolResultContent::Text(text.into())], ..Self::default() }
    }

    /// Any JSON.
    pub fn json(value: Value) -> Self {
        Self { content: vec![ToolResultContent::Json(value)], ..Self::default() }
    }

    /// A text that says what went wrong.
    pub fn error(text: impl Into<String>) -> Self {
        Self { status: ToolStatus::Error, ..Self::text(text) }
    }

    /// Ties it to the use that asked for it.
    pub fn into_result(self, tool_use_id: impl Into<String>) -> ToolResult {
        let Self { status, content, extra } = self;
        ToolResult { tool_use_id: tool_use_id.into(), status, content, extra }
    }

    /// The error result of a tool that failed: `Error: <text>`, with the causes behind it unless these
    /// are for the operator.
    pub(crate) fn of_error(error: &BoxError) -> Self {
        let text = match error.downcast_ref::<ToolFailure>() {
            Some(failure) => failure.to_string(),
            None => with_causes(&**error),
        };
        Self::error(format!("Error: {text}"))
    }
}

/// What may become a [`ToolOutput`]: one itself, or anything that serialises to JSON. `Kind` is
/// found by the compiler and never written.
pub trait IntoToolOutput<Kind> {
    /// Makes it one.
    ///
    /// # Errors
    /// The value does not serialise to JSON.
    fn into_tool_output(self) -> Result<ToolOutput, BoxError>;
}

/// Marks [`IntoToolOutput`] for a [`ToolOutput`].
#[derive(Debug)]
pub enum AsIs {}

/// Marks [`IntoToolOutput`] for a value that serialises.
#[derive(Debug)]
pub enum Serialized {}

impl IntoToolOutput<AsIs> for ToolOutput {
    fn into_tool_output(self) -> Result<ToolOutput, BoxError> {
        Ok(self)
    }
}

impl<T: Serialize> IntoToolOutput<Serialized> for T {
    fn into_tool_output(self) -> Result<ToolOutput, BoxError> {
        Ok(match serde_json::to_value(self)? {
            Value::String(text) => ToolOutput::text(text),
            other => as_output(&other).unwrap_or_else(|| ToolOutput::text(other.to_string())),
        })
    }
}

/// A value that is a tool result already, with `status` and `content`, is used as it is.
fn as_output(value: &Value) -> Option<ToolOutput> {
    let object = value.as_object()?;
    let (status, content) = (object.get("status")?, object.get("content")?);
    let mut extra = object.clone();
    extra.retain(|key, _| !matches!(key.as_str(), "status" | "content" | "toolUseId"));
    Some(ToolOutput {
        status: ToolStatus::deserialize(status).ok()?,
        content: Vec::deserialize(content).ok()?,
        extra,
    })
}

/// Runs a blocking function off the async threads, where there is a runtime to do so.
///
/// # Errors
/// The function panicked or was given up because the runtime shuts down.
pub async fn run_blocking<T: Send + 'static>(
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BoxError> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Ok(body());
    }
    match tokio::task::spawn_blocking(body).await {
        Ok(value) => Ok(value),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(error.into()),
    }
}

/// The same for the body of a call: the thread goes on when nobody waits for it any more, and holds
/// what the call holds.
///
/// # Errors
/// As for [`run_blocking`].
pub async fn run_blocking_in<T: Send + 'static>(
    context: &ToolContext,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BoxError> {
    let lease = context.lease();
    run_blocking(move || {
        let value = body();
        drop(lease);
        value
    })
    .await
}
