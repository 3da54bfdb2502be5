//! The tools that ship with Ropewalk, named as in Strands' tools package. Each is made with
//! `#[tool]` and carries examples, so that very small models can use it too.
//!
//! | tool | what it does | replay |
//! |---|---|---|
//! | [`calculator`] | exact arithmetic | pure |
//! | [`current_time`] | date and time in any time zone | pure |
//! | [`file_read`] | reads a text file of the working folder | pure |
//! | [`file_write`] | writes a text file in the working folder | never |
//! | `http_request` | sends an HTTP request (feature `http`) | never |
//! | [`shell`] | runs a shell command | never |
//!
//! Programs of yours, in any language, become tools through [`ToolDirectory`] (feature `directory`).
//!
//! Tools do not ask whether they may run. Those in [`ASK_FIRST`] have effects or reach the network:
//! put a hook before them that asks a person, as the `ropewalk` command does.

mod calculator;
mod current_time;
#[cfg(feature = "directory")]
mod directory;
mod files;
mod folder;
#[cfg(feature = "http")]
mod http_request;
mod near;
mod process;
mod shell;

use std::sync::Arc;

use ropewalk_core::{FunctionTool, Tool};

pub use calculator::calculator;
pub use current_time::current_time;
#[cfg(feature = "directory")]
pub use directory::{ProgramTool, ToolDirectory, ToolDirectoryOptions, ToolProblem};
pub use files::{file_read, file_write};
pub use folder::{FolderTool, WorkingFolder};
#[cfg(feature = "http")]
pub use http_request::http_request;
pub use shell::shell;

/// The tools that somebody should be asked about before they run: they change things, or reach what
/// the model should perhaps not reach.
pub const ASK_FIRST: [&str; 3] = ["file_write", "http_request", "shell"];

/// Whether somebody should be asked before the shipped tool of this name runs; see [`ASK_FIRST`].
///
/// ```
/// assert!(ropewalk_tools::asks_first("shell"));
/// assert!(!ropewalk_tools::asks_first("calculator"));
/// ```
pub fn asks_first(name: &str) -> bool {
    ASK_FIRST.contains(&name)
}

/// All shipped tools, in the order of their names. Files and the shell work in the process's
/// current folder; for another one see [`WorkingFolder`].
///
/// ```
/// let names: Vec<_> = ropewalk_tools::all().iter().map(|tool| tool.spec().name.clone()).collect();
/// assert!(names.contains(&"calculator".to_owned()));
/// ```
pub fn all() -> Vec<Arc<dyn Tool>> {
    functions().iter().map(|tool| Arc::new(*tool) as Arc<dyn Tool>).collect()
}

/// The shipped tool with this name; none if there is none. [`names`] says which there are.
///
/// ```
/// assert!(ropewalk_tools::by_name("current_time").is_some());
/// assert!(ropewalk_tools::by_name("teleport").is_none());
/// ```
pub fn by_name(name: &str) -> Option<Arc<dyn Tool>> {
    let tool = functions().into_iter().find(|tool| tool.static_spec().name == name)?;
    Some(Arc::new(tool))
}

/// The names of all shipped tools, in their order.
///
/// ```
/// assert_eq!(ropewalk_tools::names().first(), Some(&"calculator"));
/// ```
pub fn names() -> Vec<&'static str> {
    functions().iter().map(|tool| tool.static_spec().name.as_str()).collect()
}

fn functions() -> Vec<FunctionTool> {
    vec![
        calculator(),
        current_time(),
        file_read(),
        file_write(),
        #[cfg(feature = "http")]
        http_request(),
        shell(),
    ]
}
