//! Bundles of hooks, tools and set-up.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Agent;
use crate::error::{Error, ErrorKind};
use crate::hook::HookRegistry;
use crate::tool::{BoxFuture, Tool};

/// Hooks, tools and what has to be done when an agent is made, under one name (Strands' `Plugin`). Given
/// to [`AgentBuilder::plugin`](super::AgentBuilder::plugin).
///
/// Where Strands collects the methods that are marked as hooks or tools, a plugin names them here.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use ropewalk_core::{Agent, BeforeModelCallEvent, Error, HookRegistry, Plugin};
///
/// #[derive(Default)]
/// struct Counting { calls: Arc<AtomicU32> }
///
/// impl Plugin for Counting {
///     fn name(&self) -> &str {
///         "counting"
///     }
///
///     fn register_hooks(&self, registry: &mut HookRegistry) {
///         let calls = Arc::clone(&self.calls);
///         registry.add_callback(move |_: &BeforeModelCallEvent| {
///             calls.fetch_add(1, Ordering::Relaxed);
///         });
///     }
///
///     async fn init_agent(&self, agent: &mut Agent) -> Result<(), Error> {
///         println!("{} is counted", agent.view().name());
///         Ok(())
///     }
/// }
///
/// let builder = Agent::builder().plugin(Counting::default());
/// ```
pub trait Plugin: Send + Sync + 'static {
    /// What it is called. Two of one name can't be in one agent.
    fn name(&self) -> &str;

    /// Adds its callbacks; they are called behind the agent's other ones of the same order number. Asked
    /// once, when the agent or its blueprint is built.
    fn register_hooks(&self, registry: &mut HookRegistry) {
        let _ = registry;
    }

    /// Its tools. Asked once, when the agent or its blueprint is built.
    fn tools(&self) -> Vec<Arc<dyn Tool>> {
        Vec::new()
    }

    /// Sets up an agent, each one of a blueprint's: its session is restored, and no hook has been called
    /// yet. Plugins are called in the order in which they were given.
    ///
    /// # Errors
    /// Whatever went wrong: the agent is not made.
    fn init_agent(&self, agent: &mut Agent) -> impl Future<Output = Result<(), Error>> + Send {
        let _ = agent;
        std::future::ready(Ok(()))
    }
}

/// A [`Plugin`] of any type.
pub(super) trait AnyPlugin: Send + Sync {
    fn name(&self) -> &str;
    fn register_hooks(&self, registry: &mut HookRegistry);
    fn tools(&self) -> Vec<Arc<dyn Tool>>;
    fn init_agent<'a>(&'a self, agent: &'a mut Agent) -> BoxFuture<'a, Result<(), Error>>;
}

impl<P: Plugin> AnyPlugin for P {
    fn name(&self) -> &str {
        Plugin::name(self)
    }

    fn register_hooks(&self, registry: &mut HookRegistry) {
        Plugin::register_hooks(self, registry);
    }

    fn tools(&self) -> Vec<Arc<dyn Tool>> {
        Plugin::tools(self)
    }

    fn init_agent<'a>(&'a self, agent: &'a mut Agent) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(Plugin::init_agent(self, agent))
    }
}

/// The plugins of one blueprint, in their order.
#[derive(Default)]
pub(super) struct Plugins {
    list: Vec<Arc<dyn AnyPlugin>>,
}

impl Plugins {
    pub(super) fn add(&mut self, plugin: impl Plugin) {
        self.list.push(Arc::new(plugin));
    }

    /// All names are there, each once.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut taken = BTreeSet::new();
        for name in self.list.iter().map(|plugin| plugin.name()) {
            let problem = match name.trim().is_empty() {
                true => "a plugin's name is blank: give it one".to_owned(),
                false if taken.insert(name) => continue,
                false => format!("plugin_name=<{name}> | plugin already registered"),
            };
            return Err(Error::new(ErrorKind::InvalidInput, problem));
        }
        Ok(())
    }

    pub(super) fn register_hooks(&self, registry: &mut HookRegistry) {
        self.list.iter().for_each(|plugin| plugin.register_hooks(registry));
    }

    pub(super) fn tools(&self) -> impl Iterator<Item = Arc<dyn Tool>> {
        self.list.iter().flat_map(|plugin| plugin.tools())
    }

    /// Lets each set up an agent.
    pub(super) async fn init(&self, agent: &mut Agent) -> Result<(), Error> {
        for plugin in &self.list {
            plugin.init_agent(agent).await.map_err(|error| {
                error.context(format_args!("the plugin `{}` can't set up the agent", plugin.name()))
            })?;
        }
        Ok(())
    }
}
