//! Arguments that know their tool.

use serde::Serialize;

/// Arguments that know which tool takes them: the struct that `#[tool(input = AddInput)]` makes of a
/// function's parameters, or one of yours. [`Agent::call`](crate::Agent::call) calls the tool with
/// them, and the compiler checks what [`Agent::tool`](crate::Agent::tool) takes as JSON.
///
/// ```
/// use ropewalk_core::ToolInput;
///
/// #[derive(serde::Serialize)]
/// struct AddInput {
///     a: i64,
///     b: i64,
/// }
///
/// impl ToolInput for AddInput {
///     const TOOL: &'static str = "add";
/// }
/// ```
pub trait ToolInput: Serialize {
    /// The name of the tool.
    const TOOL: &'static str;
}
