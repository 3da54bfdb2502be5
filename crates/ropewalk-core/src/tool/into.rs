//! What can be given to an agent as a tool.

use std::sync::Arc;

use super::Tool;

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
