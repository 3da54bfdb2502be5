//! Names of tools that no tool can have.

use ropewalk_core::tool_name_problem;

/// What stands for a name that no tool can have: servers refuse a conversation with such a call. The history
/// keeps what the model wrote.
const INVALID: &str = "INVALID_TOOL_NAME";

/// The name of a tool, as it is sent.
pub(crate) fn tool_name(name: &str) -> &str {
    match tool_name_problem(name) {
        None => name,
        Some(_) => INVALID,
    }
}
