//! The tool that `#[tool]` makes of a function.

use std::fmt;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::{BoxFuture, Replay, Tool, ToolContext, ToolOutput};
use crate::error::BoxError;
use crate::interrupt::Preview;
use crate::message::{ToolResult, ToolUse};
use crate::model::ToolSpec;

/// The tool that `#[tool]` makes of a function. All of them have this one type, so that they fit
/// into one array; it is a pointer and cheap to copy.
///
/// `#[tool] fn add(a: i64, b: i64) -> i64` becomes `fn add() -> FunctionTool`. Both `add` and
/// `add()` are tools: [`Tool`] is implemented for every function that gives one.
#[derive(Clone, Copy)]
pub struct FunctionTool {
    definition: &'static FunctionDefinition,
}

/// What `#[tool]` knows of a function. Not part of the interface.
#[doc(hidden)]
pub struct FunctionDefinition {
    spec: LazyLock<ToolSpec>,
    call: FunctionCall,
    replay: Replay,
    preview: Option<FunctionPreview>,
}

/// What says what a call would do.
type FunctionPreview = fn(Value) -> BoxFuture<'static, Result<Option<Preview>, BoxError>>;

/// How a function is called with what the model gave.
type FunctionCall = fn(Value, ToolContext) -> BoxFuture<'static, Result<ToolOutput, BoxError>>;

impl FunctionDefinition {
    /// What `#[tool]` writes down of a function. The spec is made when it is first asked for.
    pub const fn new(spec: fn() -> ToolSpec, call: FunctionCall, replay: Replay) -> Self {
        Self { spec: LazyLock::new(spec), call, replay, preview: None }
    }

    /// Adds what says what a call would do.
    #[must_use]
    pub const fn with_preview(mut self, preview: FunctionPreview) -> Self {
        self.preview = Some(preview);
        self
    }

    fn preview(&self, input: &Value) -> BoxFuture<'static, Result<Option<Preview>, BoxError>> {
        match self.preview {
            Some(preview) => preview(input.clone()),
            None => Box::pin(std::future::ready(Ok(None))),
        }
    }
}

impl fmt::Debug for FunctionDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionDefinition").field("name", &self.spec.name).finish_non_exhaustive()
    }
}

impl FunctionTool {
    /// Used by `#[tool]`.
    #[doc(hidden)]
    pub const fn new(definition: &'static FunctionDefinition) -> Self {
        Self { definition }
    }

    /// What the model is told about the tool. Unlike [`Tool::spec`] it borrows nothing.
    pub fn static_spec(&self) -> &'static ToolSpec {
        &self.definition.spec
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
        let id = "try_out";
        let context =
            ToolContext::detached(ToolUse::new(id, &self.static_spec().name, input.clone()));
        let output = self.call(input, context).await;
        output.unwrap_or_else(|error| ToolOutput::of_error(&error)).into_result(id)
    }
}

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FunctionTool").field(&self.static_spec().name).finish()
    }
}

impl Tool for FunctionTool {
    fn spec(&self) -> &ToolSpec {
        self.static_spec()
    }

    fn call(
        &self,
        input: Value,
        context: ToolContext,
    ) -> BoxFuture<'_, Result<ToolOutput, BoxError>> {
        (self.definition.call)(input, context)
    }

    fn replay(&self) -> Replay {
        self.definition.replay
    }

    fn preview<'a>(&'a self, input: &'a Value) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
        self.definition.preview(input)
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
        (self().definition.call)(input, context)
    }

    fn replay(&self) -> Replay {
        self().definition.replay
    }

    fn preview<'a>(&'a self, input: &'a Value) -> BoxFuture<'a, Result<Option<Preview>, BoxError>> {
        self().definition.preview(input)
    }
}

/// What can be given to an agent as a tool: every [`Tool`] (a function with `#[tool]` by its name,
/// a value of a type of yours), and tools that are shared or boxed already.
///
/// ```
/// use std::sync::Arc;
///
/// use ropewalk_core::{FunctionTool, IntoTool, Tool};
///
/// fn names<T: IntoTool>(tools: impl IntoIterator<Item = T>) -> Vec<String> {
///     tools.into_iter().map(|tool| tool.into_tool().spec().name.clone()).collect()
/// }
///
/// fn all_of_these_work(add: fn() -> FunctionTool, shared: Arc<dyn Tool>) {
///     names([add, add]);
///     names([add()]);
///     names([shared]);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no tool",
    note = "put `#[tool]` on the function, or implement `Tool` for the type"
)]
pub trait IntoTool {
    /// Makes it a shared tool.
    fn into_tool(self) -> Arc<dyn Tool>;
}

impl<T: Tool> IntoTool for T {
    fn into_tool(self) -> Arc<dyn Tool> {
        Arc::new(self)
    }
}

impl IntoTool for Arc<dyn Tool> {
    fn into_tool(self) -> Arc<dyn Tool> {
        self
    }
}

impl IntoTool for Box<dyn Tool> {
    fn into_tool(self) -> Arc<dyn Tool> {
        self.into()
    }
}
