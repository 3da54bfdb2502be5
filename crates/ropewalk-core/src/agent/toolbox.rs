//! The tools that an agent has at one moment.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::model::ToolSpec;
use crate::tool::{Tool, ToolProvider, ToolRegistry};

/// The tools of one moment, with what is made of them.
pub(super) struct ToolSet {
    pub(super) registry: Arc<ToolRegistry>,
    pub(super) specs: Arc<[Arc<ToolSpec>]>,
    pub(super) names: Arc<[String]>,
}

impl ToolSet {
    fn new(registry: ToolRegistry) -> Arc<Self> {
        Arc::new(Self {
            specs: registry.shared_specs().cloned().collect(),
            names: registry.names().map(str::to_owned).collect(),
            registry: Arc::new(registry),
        })
    }
}

/// Where the tools of a blueprint come from: those that it was built with, and its providers.
pub(super) struct Toolbox {
    built: Arc<ToolSet>,
    providers: Vec<Arc<dyn ToolProvider>>,
    latest: Mutex<Latest>,
}

/// What the providers gave last, and what was made of it.
struct Latest {
    lists: Vec<Arc<[Arc<dyn Tool>]>>,
    tools: Arc<ToolSet>,
}

impl Toolbox {
    /// Asks the providers for the first time.
    ///
    /// # Errors
    /// A tool of theirs can't stand beside the others.
    pub(super) fn new(
        registry: ToolRegistry,
        providers: Vec<Arc<dyn ToolProvider>>,
    ) -> Result<Self, Error> {
        let built = ToolSet::new(registry);
        let mut latest = Latest { lists: Vec::new(), tools: Arc::clone(&built) };
        if !providers.is_empty() {
            latest.lists = lists(&providers);
            let mut all = ToolRegistry::clone(&built.registry);
            add_all(&mut all, &providers, &latest.lists, Err)?;
            latest.tools = ToolSet::new(all);
        }
        Ok(Self { built, providers, latest: Mutex::new(latest) })
    }

    /// The tools that there are now. Without providers, or as long as these give what they gave, that
    /// costs nothing.
    pub(super) fn now(&self) -> Arc<ToolSet> {
        if self.providers.is_empty() {
            return Arc::clone(&self.built);
        }
        let lists = lists(&self.providers);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let same = lists.iter().zip(&latest.lists).all(|(now, before)| Arc::ptr_eq(now, before));
        if !same {
            let mut all = ToolRegistry::clone(&self.built.registry);
            let Ok(()) = add_all(&mut all, &self.providers, &lists, |error| {
                // A conversation under way must not break because of a tool that came later.
                tracing::warn!("a tool is left out: {}", error.report());
                Ok::<(), std::convert::Infallible>(())
            });
            *latest = Latest { lists, tools: ToolSet::new(all) };
        }
        Arc::clone(&latest.tools)
    }
}

fn lists(providers: &[Arc<dyn ToolProvider>]) -> Vec<Arc<[Arc<dyn Tool>]>> {
    providers.iter().map(|provider| provider.tools()).collect()
}

/// Adds the tools of providers; what can't be added goes to `refused`.
fn add_all<E>(
    registry: &mut ToolRegistry,
    providers: &[Arc<dyn ToolProvider>],
    lists: &[Arc<[Arc<dyn Tool>]>],
    refused: impl Fn(Error) -> Result<(), E>,
) -> Result<(), E> {
    for (provider, tools) in providers.iter().zip(lists) {
        for tool in tools.iter() {
            if let Err(error) = registry.add(Arc::clone(tool)) {
                refused(error.context(format!("tool provider `{}`", provider.name())))?;
            }
        }
    }
    Ok(())
}
