//! The builder's hooks, policies and plugins.

use super::AgentBuilder;
use crate::agent::Plugin;
use crate::hook::{
    BaseHookEvent, HookProvider, IntoCallback, ModelStreamEvent, WrapModelCall, WrapToolCall,
};
use crate::intervention::Policy;

impl AgentBuilder {
    /// Adds a callback of any shape; see [`IntoCallback`].
    #[must_use]
    pub fn hook<E: BaseHookEvent, Kind>(mut self, callback: impl IntoCallback<E, Kind>) -> Self {
        self.hooks.add_callback(callback);
        self
    }

    /// Adds all callbacks of providers.
    #[must_use]
    pub fn hooks<P: HookProvider>(mut self, providers: impl IntoIterator<Item = P>) -> Self {
        for provider in providers {
            self.hooks.add_hook(&provider);
        }
        self
    }

    /// Adds a callback that sees each chunk as it comes from the model; see
    /// [`HookRegistry::observe_stream`](crate::HookRegistry::observe_stream).
    #[must_use]
    pub fn observe_stream<Kind>(
        mut self,
        callback: impl IntoCallback<ModelStreamEvent, Kind>,
    ) -> Self {
        self.hooks.observe_stream(callback);
        self
    }

    /// Adds policies, asked in this order at every stage; see
    /// [`Interventions`](crate::Interventions). Given again, the later ones stand behind the earlier
    /// ones.
    #[must_use]
    pub fn interventions<P: Into<Policy>>(mut self, policies: impl IntoIterator<Item = P>) -> Self {
        self.policies.extend(policies.into_iter().map(Into::into));
        self
    }

    /// Adds a plugin: its hooks, its tools, and what it does when an agent is made.
    #[must_use]
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        self.plugins.add(plugin);
        self
    }

    /// Adds code around every tool call; see [`WrapToolCall`]. The first one is the outermost.
    #[must_use]
    pub fn wrap_tool_call(mut self, wrap: impl WrapToolCall) -> Self {
        self.hooks.wrap_tool_call(wrap);
        self
    }

    /// Adds code around every model call; see [`WrapModelCall`]. The first one is the outermost.
    #[must_use]
    pub fn wrap_model_call(mut self, wrap: impl WrapModelCall) -> Self {
        self.hooks.wrap_model_call(wrap);
        self
    }

    /// Adds a callback of the host: the code that runs agents others may write. It is called before
    /// all others at an event, and after all others at an event that ends something, whatever their
    /// order numbers; who holds the agent can neither remove nor reorder it.
    #[must_use]
    pub fn host_hook<E: BaseHookEvent, Kind>(
        mut self,
        callback: impl IntoCallback<E, Kind>,
    ) -> Self {
        self.host.add_callback(callback);
        self
    }

    /// Adds all callbacks of providers as the host's; see [`host_hook`](Self::host_hook). Their wrap
    /// hooks are outside all others.
    #[must_use]
    pub fn host_hooks<P: HookProvider>(mut self, providers: impl IntoIterator<Item = P>) -> Self {
        for provider in providers {
            self.host.add_hook(&provider);
        }
        self
    }
}
