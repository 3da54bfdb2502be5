//! The tool that `#[tool]` makes of a method.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::definition::{ToolDefinition, defined_tool};
use super::{BoxFuture, Replay, Tool, ToolContext, ToolOutput};
use crate::error::BoxError;
use crate::interrupt::Preview;
use crate::message::ToolResult;
use crate::model::ToolSpec;

/// The tool that `#[tool]` makes of a method, bound to the value that it works on. All of them have
/// this one type; clones work on the same value.
///
/// `#[tool] async fn lookup(&self, key: String) -> …` in an `impl` gets a companion,
/// `fn lookup_tool(self: &Arc<Self>) -> MethodTool`.
#[derive(Clone)]
pub struct MethodTool {
    definition: &'static ToolDefinition,
    call: Arc<MethodCall>,
}

/// How a method is called with what the model gave.
type MethodCall =
    dyn Fn(Value, ToolContext) -> BoxFuture<'static, Result<ToolOutput, BoxError>> + Send + Sync;

impl MethodTool {
    /// Used by `#[tool]`.
    #[doc(hidden)]
    pub fn new<F>(definition: &'static ToolDefinition, call: F) -> Self
    where
        F: Fn(Value, ToolContext) -> BoxFuture<'static, Result<ToolOutput, BoxError>>
            + Send
            + Sync
            + 'static,
    {
        Self { definition, call: Arc::new(call) }
    }

    /// Calls the tool as an agent would, with no agent around: for tests. An error becomes the
    /// error result that the model would read.
    pub async fn try_out(&self, input: Value) -> ToolResult {
        super::function::try_out(self, input).await
    }

    fn definition(&self) -> &'static ToolDefinition {
        self.definition
    }
}

impl fmt::Debug for MethodTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MethodTool").field(&self.spec().name).finish()
    }
}

impl Tool for MethodTool {
    defined_tool!();

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        (self.call)(input, context)
    }
}
