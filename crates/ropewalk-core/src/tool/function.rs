//! The tool that `#[tool]` makes of a function.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::definition::{ToolDefinition, defined_tool};
use super::{BoxFuture, Replay, Tool, ToolContext, ToolOutput};
use crate::error::BoxError;
use crate::interrupt::Preview;
use crate::message::{ToolResult, ToolUse};
use crate::model::ToolSpec;

/// The tool that `#[tool]` makes of a function. All of them have this one type, so that they fit
/// into one array; it is two pointers and cheap to copy.
///
/// `#[tool] fn add(a: i64, b: i64) -> i64` becomes `fn add() -> FunctionTool`. Both `add` and
/// `add()` are tools: [`Tool`] is implemented for every function that gives one.
#[derive(Clone, Copy)]
pub struct FunctionTool {
    definition: &'static ToolDefinition,
    call: FunctionCall,
}

/// How a function is called with what the model gave.
type FunctionCall = fn(Value, ToolContext) -> BoxFuture<'static, Result<ToolOutput, BoxError>>;

impl FunctionTool {
    /// Used by `#[tool]`.
    #[doc(hidden)]
    pub const fn new(definition: &'static ToolDefinition, call: FunctionCall) -> Self {
        Self { definition, call }
    }

    /// What the model is told about the tool. Unlike [`Tool::spec`] it borrows nothing.
    pub fn static_spec(&self) -> &'static ToolSpec {
        self.definition.spec()
    }

    /// Calls the tool as an agent would, with no agent around: for tests. An error becomes the
    /// error result that the model would read.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use ropewalk_core::{FunctionTool, ToolStatus};
    ///
    /// async fn check(add: FunctionTool) {
    ///     let result = add.try_out(serde_json::json!({"a": 1})).await;
    ///     assert_eq!(result.status, ToolStatus::Error); // `b` is missing
    /// }
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub async fn try_out(&self, input: Value) -> ToolResult {
        try_out(self, input).await
    }

    fn definition(&self) -> &'static ToolDefinition {
        self.definition
    }
}

/// Calls a tool with no agent around.
pub(super) async fn try_out(tool: &impl Tool, input: Value) -> ToolResult {
    let id = "try_out";
    let context = ToolContext::detached(ToolUse::new(id, &tool.spec().name, input.clone()));
    let output = tool.call(input, context).await;
    output.unwrap_or_else(|error| ToolOutput::of_error(&error)).into_result(id)
}

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FunctionTool").field(&self.static_spec().name).finish()
    }
}

impl Tool for FunctionTool {
    defined_tool!();

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        (self.call)(input, context)
    }
}

/// A function that gives a tool is that tool, so that the names of functions with `#[tool]` can be
/// handed over as they are: `.tools([add, subtract])`.
impl<F: Fn() -> FunctionTool + Send + Sync + 'static> Tool for F {
    fn spec(&self) -> &ToolSpec {
        self().static_spec()
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        (self().call)(input, context)
    }

    fn preview<'a>(&'a self, input: &'a Value) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
        self().definition.preview(input)
    }

    fn replay(&self) -> Replay {
        self().definition.replay()
    }

    fn timeout(&self) -> Option<Duration> {
        self().definition.timeout()
    }

    fn exclusive_key<'a>(&'a self, _: &'a Value) -> Option<Cow<'a, str>> {
        self().definition.exclusive_key()
    }

    fn checks_input(&self) -> bool {
        true
    }
}
