//! The tools of one agent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Tool, tool_name_problem};
use crate::error::{Error, ErrorKind};
use crate::model::ToolSpec;

/// The tools of one agent, in the order in which they were added.
#[derive(Clone, Default)]
pub struct ToolRegistry {
    tools: Vec<Arc<dyn Tool>>,
    by_name: BTreeMap<String, usize>,
}

impl ToolRegistry {
    /// No tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if its name is no tool name, is taken, or differs from a taken
    /// one only in `-` and `_`.
    pub fn add(&mut self, tool: Arc<dyn Tool>) -> Result<(), Error> {
        let name = tool.spec().name.clone();
        let refuse = |problem: String| Err(Error::new(ErrorKind::InvalidInput, problem));
        if let Some(problem) = tool_name_problem(&name) {
            return refuse(problem);
        }
        let same = |other: &&String| other.replace('-', "_") == name.replace('-', "_");
        if let Some(other) = self.by_name.keys().find(same) {
            return refuse(if *other == name {
                format!("there is a tool `{name}` already: give one of them another name")
            } else {
                format!("the tools `{other}` and `{name}` differ only in `-` and `_`: rename one")
            });
        }
        self.by_name.insert(name, self.tools.len());
        self.tools.push(tool);
        Ok(())
    }

    /// The tool with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.by_name.get(name).map(|at| &self.tools[*at])
    }

    /// All tools, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.tools.iter()
    }

    /// All names, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tools.iter().map(|tool| tool.spec().name.as_str())
    }

    /// All specs, in the order in which they were added.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.tools.iter().map(|tool| tool.spec())
    }

    /// True if there is no tool.
    pub fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }
}

impl fmt::Debug for ToolRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
