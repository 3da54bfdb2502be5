//! Bundles of callbacks.

use super::HookRegistry;

/// Something that brings several callbacks along (Strands' `HookProvider`).
///
/// ```
/// use ropewalk_core::{AfterToolCallEvent, BeforeToolCallEvent, HookProvider, HookRegistry};
///
/// struct NoShell;
///
/// impl HookProvider for NoShell {
///     fn register_hooks(&self, registry: &mut HookRegistry) {
///         registry.add_callback(|event: &mut BeforeToolCallEvent| {
///             if event.tool_use().name == "shell" {
///                 event.cancel_tool("no shell here");
///             }
///         });
///         registry.add_callback(|event: &AfterToolCallEvent| {
///             println!("{}: {:?}", event.tool_use().name, event.result().status);
///         });
///     }
/// }
///
/// let mut registry = HookRegistry::new();
/// registry.add_hook(&NoShell);
/// assert!(registry.has_callbacks());
/// ```
pub trait HookProvider {
    /// Adds its callbacks.
    fn register_hooks(&self, registry: &mut HookRegistry);
}

impl<P: HookProvider + ?Sized> HookProvider for std::sync::Arc<P> {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        (**self).register_hooks(registry);
    }
}

impl<P: HookProvider + ?Sized> HookProvider for Box<P> {
    fn register_hooks(&self, registry: &mut HookRegistry) {
        (**self).register_hooks(registry);
    }
}
