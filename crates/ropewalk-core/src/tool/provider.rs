//! Where tools come from that may change while an agent lives.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{IntoTool, Tool, ToolRegistry};
use crate::error::{Error, ErrorKind};

/// A source of tools that may change while an agent lives (Strands' `ToolProvider`): a directory, a
/// server, a [`DynamicTools`].
///
/// It is asked before each model call, by every agent that has it: [`tools`](Self::tools) gives what
/// there is now and must not wait. Whatever takes time, reading files or asking a server, is done
/// elsewhere, and a new list put in the place of the old one. As long as the very same list is given,
/// nothing is done with it.
///
/// Its tools are like all others: the same hooks, guards and wraps stand around their calls. Tools
/// that were given to the builder go first, then the providers in their order. A name that is taken
/// already is an error when the agent is built; later on, the tool that came last is left out and a
/// warning logged. So no provider can put another tool in the place of one that an agent was built
/// with.
///
/// ```
/// use std::sync::Arc;
///
/// use ropewalk_core::{Tool, ToolProvider};
///
/// struct Fixed(Arc<[Arc<dyn Tool>]>);
///
/// impl ToolProvider for Fixed {
///     fn name(&self) -> &str {
///         "fixed"
///     }
///
///     fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
///         Arc::clone(&self.0)
///     }
/// }
/// ```
pub trait ToolProvider: Send + Sync + 'static {
    /// What it is called in errors and in the log.
    fn name(&self) -> &str;

    /// The tools that there are now: the same list as before if nothing changed. Must not wait.
    fn tools(&self) -> Arc<[Arc<dyn Tool>]>;
}

impl<P: ToolProvider + ?Sized> ToolProvider for Arc<P> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        (**self).tools()
    }
}

/// Tools that are added, replaced and removed by hand while agents have them. Clones share the tools.
///
/// ```
/// use ropewalk_core::{DynamicTools, FunctionTool, ToolProvider};
///
/// fn grow(tools: &DynamicTools, add: FunctionTool) -> Result<(), ropewalk_core::Error> {
///     tools.add(add)?; // agents built with `.tool_provider(tools.clone())` have it at their next model call
///     tools.replace(add)?;
///     assert_eq!(tools.tools().len(), 1);
///     Ok(())
/// }
/// ```
#[derive(Clone, Default)]
pub struct DynamicTools(Arc<Mutex<Listed>>);

#[derive(Default)]
struct Listed {
    registry: ToolRegistry,
    list: Option<Arc<[Arc<dyn Tool>]>>,
}

impl DynamicTools {
    /// No tools yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    ///
    /// # Errors
    /// As for [`ToolRegistry::add`]; nothing was changed then.
    pub fn add(&self, tool: impl IntoTool) -> Result<(), Error> {
        self.change(|registry| registry.add(tool.into_tool()))
    }

    /// Puts a tool in the place of the one of its name, and gives that one.
    ///
    /// # Errors
    /// As for [`ToolRegistry::replace`]; nothing was changed then.
    pub fn replace(&self, tool: impl IntoTool) -> Result<Arc<dyn Tool>, Error> {
        self.change(|registry| registry.replace(tool.into_tool()))
    }

    /// Takes a tool away.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is no tool of this name.
    pub fn remove(&self, name: &str) -> Result<Arc<dyn Tool>, Error> {
        self.change(|registry| {
            registry.remove(name).ok_or_else(|| {
                let text = format!("there is no tool `{name}` that could be removed");
                Error::new(ErrorKind::InvalidInput, text)
            })
        })
    }

    fn change<T>(
        &self,
        change: impl FnOnce(&mut ToolRegistry) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut listed = self.lock();
        let changed = change(&mut listed.registry)?;
        listed.list = None;
        Ok(changed)
    }

    fn lock(&self) -> MutexGuard<'_, Listed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ToolProvider for DynamicTools {
    fn name(&self) -> &str {
        "dynamic tools"
    }

    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        let Listed { registry, list } = &mut *self.lock();
        Arc::clone(list.get_or_insert_with(|| registry.iter().cloned().collect()))
    }
}

impl fmt::Debug for DynamicTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynamicTools").field(&self.lock().registry).finish()
    }
}
