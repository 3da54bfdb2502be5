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
    tools: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
}

/// A tool, with what was found out about it when it was added.
#[derive(Clone)]
struct Entry {
    tool: Arc<dyn Tool>,
    /// What the model is told.
    spec: Arc<ToolSpec>,
}

impl Entry {
    fn new(tool: Arc<dyn Tool>) -> Result<Self, Error> {
        let spec = tool.spec().clone();
        if let Some(problem) = tool_name_problem(&spec.name) {
            return Err(Error::new(ErrorKind::InvalidInput, problem));
        }
        Ok(Self { tool, spec: Arc::new(spec) })
    }
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
        let entry = Entry::new(tool)?;
        let name = entry.spec.name.clone();
        let refuse = |problem: String| Err(Error::new(ErrorKind::InvalidInput, problem));
        let same = |other: &&String| other.replace('-', "_") == name.replace('-', "_");
        if let Some(other) = self.by_name.keys().find(same) {
            return refuse(if *other == name {
                format!("there is a tool `{name}` already: give one of them another name")
            } else {
                format!("the tools `{other}` and `{name}` differ only in `-` and `_`: rename one")
            });
        }
        self.by_name.insert(name, self.tools.len());
        self.tools.push(entry);
        Ok(())
    }

    /// Puts a tool in the place of the one of its name, and gives that one (Strands'
    /// `ToolRegistry.replace`).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no tool of this name.
    pub fn replace(&mut self, tool: Arc<dyn Tool>) -> Result<Arc<dyn Tool>, Error> {
        let entry = Entry::new(tool)?;
        let name = &entry.spec.name;
        let Some(at) = self.by_name.get(name) else {
            let text = format!("there is no tool `{name}` that could be replaced: `add` it");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        };
        Ok(std::mem::replace(&mut self.tools[*at], entry).tool)
    }

    /// Takes the tool of this name away, and gives it.
    pub fn remove(&mut self, name: &str) -> Option<Arc<dyn Tool>> {
        let at = self.by_name.remove(name)?;
        self.by_name.values_mut().filter(|other| **other > at).for_each(|other| *other -= 1);
        Some(self.tools.remove(at).tool)
    }

    /// The tool with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.by_name.get(name).map(|at| &self.tools[*at].tool)
    }

    /// All tools, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.tools.iter().map(|entry| &entry.tool)
    }

    /// All names, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.specs().map(|spec| spec.name.as_str())
    }

    /// All specs, in the order in which they were added.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.shared_specs().map(|spec| &**spec)
    }

    pub(crate) fn shared_specs(&self) -> impl Iterator<Item = &Arc<ToolSpec>> {
        self.tools.iter().map(|entry| &entry.spec)
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
