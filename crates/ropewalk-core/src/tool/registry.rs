//! The tools of one agent.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Tool;
use super::normal::normalised;
use crate::error::{BoxError, Error, ErrorKind};
use crate::model::ToolSpec;
use crate::validate::{self, Validator};

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
    /// What checks the arguments, if the tool does not.
    validator: Option<Arc<Validator>>,
}

impl Entry {
    fn new(tool: Arc<dyn Tool>) -> Result<Self, Error> {
        let spec = normalised(tool.spec())?;
        let validator = match validate::AVAILABLE && !tool.checks_input() {
            false => None,
            true => Some(Arc::new(validator(&spec)?)),
        };
        Ok(Self { tool, spec: Arc::new(spec), validator })
    }
}

fn validator(spec: &ToolSpec) -> Result<Validator, Error> {
    Validator::new(&spec.input_schema)
        .map_err(|error| error.context(format!("the input schema of the tool `{}`", spec.name)))
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
    /// one only in `-` and `_`; if its input schema is not that of an object, has more than 64 levels
    /// or is no JSON Schema.
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
    /// [`ErrorKind::InvalidInput`] if there is no tool of this name, or if its input schema can't be
    /// used.
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

    /// All specs, in the order in which they were added; where a schema left out its `type`,
    /// `properties` or `required`, they are filled in.
    pub fn specs(&self) -> impl Iterator<Item = &ToolSpec> {
        self.shared_specs().map(|spec| &**spec)
    }

    pub(crate) fn shared_specs(&self) -> impl Iterator<Item = &Arc<ToolSpec>> {
        self.tools.iter().map(|entry| &entry.spec)
    }

    /// Checks the arguments of a tool that does not do so itself; it need not be one of these.
    ///
    /// # Errors
    /// `Validation failed for input parameters: <where>: <what>`.
    pub(crate) fn check_input(&self, tool: &Arc<dyn Tool>, input: &Value) -> Result<(), BoxError> {
        if !validate::AVAILABLE || tool.checks_input() {
            return Ok(());
        }
        let known = self.by_name.get(&tool.spec().name).map(|at| &self.tools[*at]);
        let known = known.filter(|entry| Arc::ptr_eq(&entry.tool, tool));
        let violations = match known.and_then(|entry| entry.validator.as_deref()) {
            Some(validator) => violations(validator, input),
            // A hook has selected it.
            None => violations(&validator(&normalised(tool.spec())?)?, input),
        };
        match violations {
            None => Ok(()),
            Some(text) => Err(format!("Validation failed for input parameters: {text}").into()),
        }
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

/// What is wrong with arguments; no arguments at all count as none given.
fn violations(validator: &Validator, input: &Value) -> Option<String> {
    let nothing = Value::Object(Map::new());
    let wrong = validator.check(if input.is_null() { &nothing } else { input });
    let texts = wrong.iter().map(|wrong| match wrong.path.is_empty() {
        true => wrong.message.clone(),
        false => format!("`{}`: {}", wrong.path.join("."), wrong.message),
    });
    (!wrong.is_empty()).then(|| texts.collect::<Vec<_>>().join("; "))
}
