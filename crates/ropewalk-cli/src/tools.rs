//! Which tools `--tools` names.

use std::sync::Arc;

use ropewalk_core::Tool;

use crate::exit::Failure;

/// The tools with these names; all that ship if none are named.
pub(crate) fn choose(names: Option<&[String]>) -> Result<Vec<Arc<dyn Tool>>, Failure> {
    let Some(names) = names else { return Ok(ropewalk_tools::all()) };
    let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        if matches!(name, "" | "none") {
            continue;
        }
        let Some(tool) = ropewalk_tools::by_name(name) else {
            let known = ropewalk_tools::names().join(", ");
            return Err(Failure::usage(format!("there is no tool `{name}`: there are {known}")));
        };
        if !tools.iter().any(|chosen| chosen.spec().name == name) {
            tools.push(tool);
        }
    }
    Ok(tools)
}
