//! Who is called for which event.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::event::event_name;
use super::{BaseHookEvent, HookCallback, HookProvider, IntoCallback};
use crate::error::{Error, ErrorKind};
use crate::interrupt::Interrupt;

/// Who is called for which event (Strands' `HookRegistry`). Callbacks are kept for the exact event
/// type. Cloning is cheap; a clone is a registry of its own.
///
/// ```
/// use ropewalk_core::{AfterToolCallEvent, BeforeToolCallEvent, HookRegistry, HookResult};
///
/// async fn approve(event: &mut BeforeToolCallEvent) -> HookResult {
///     let yes: bool = event.interrupt("approve", event.tool_use().input.clone())?;
///     if !yes {
///         event.cancel_tool("the user said no");
///     }
///     Ok(())
/// }
///
/// let mut registry = HookRegistry::new();
/// registry.add_callback(approve);
/// registry.add_callback(|event: &AfterToolCallEvent| println!("{:?}", event.result().status));
/// assert!(registry.has_callbacks());
/// ```
#[derive(Clone, Default)]
pub struct HookRegistry {
    /// For each event type `E` an `Arc<Vec<HookCallback<E>>>`, in the order of registration.
    lists: HashMap<TypeId, List>,
}

#[derive(Clone)]
struct List {
    event: &'static str,
    length: usize,
    callbacks: Arc<dyn Any + Send + Sync>,
}

impl HookRegistry {
    /// Nobody is called for anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a callback of any shape; see [`IntoCallback`] for which there are.
    pub fn add_callback<E: BaseHookEvent, Kind>(&mut self, callback: impl IntoCallback<E, Kind>) {
        let list = self.lists.entry(TypeId::of::<E>()).or_insert_with(|| List {
            event: event_name::<E>(),
            length: 0,
            callbacks: Arc::new(Vec::<HookCallback<E>>::new()),
        });
        let mut callbacks = downcast::<E>(&list.callbacks).cloned().unwrap_or_default();
        callbacks.push(callback.into_callback());
        list.length = callbacks.len();
        list.callbacks = Arc::new(callbacks);
    }

    /// Registers all callbacks of a provider.
    pub fn add_hook(&mut self, provider: &(impl HookProvider + ?Sized)) {
        provider.register_hooks(self);
    }

    /// True if there is any callback, for any event.
    pub fn has_callbacks(&self) -> bool {
        !self.lists.is_empty()
    }

    /// True if there is a callback for events of this type. Whoever dispatches asks first, so that
    /// an event nobody listens to is not even built.
    pub fn listens_to<E: BaseHookEvent>(&self) -> bool {
        !self.lists.is_empty() && self.lists.contains_key(&TypeId::of::<E>())
    }

    /// The callbacks for an event, in the order in which they will be called.
    pub fn get_callbacks_for<E: BaseHookEvent>(
        &self,
        event: &E,
    ) -> impl Iterator<Item = &HookCallback<E>> {
        let callbacks = self.callbacks::<E>();
        let reverse = event.should_reverse_callbacks();
        (0..callbacks.len()).map(move |at| {
            let at = if reverse { callbacks.len() - 1 - at } else { at };
            &callbacks[at]
        })
    }

    /// Calls all callbacks for an event and gives it back with the questions that were raised.
    ///
    /// # Errors
    /// One of the callbacks is async (none was called then), failed or panicked (those after it
    /// were not called); or two asked under one name.
    pub fn invoke_callbacks<E: BaseHookEvent>(
        &self,
        mut event: E,
    ) -> Result<(E, Vec<Interrupt>), Error> {
        if let Some(callback) = self.callbacks::<E>().iter().find(|callback| callback.is_async()) {
            return Err(Error::new(
                ErrorKind::Hook,
                format!(
                    "the callback `{}` for {} is async: dispatch with invoke_callbacks_async",
                    callback.name(),
                    event_name::<E>()
                ),
            ));
        }
        let interrupts = super::dispatch::dispatch_now(self, &mut event)?;
        Ok((event, interrupts))
    }

    /// Calls all callbacks for an event, one after the other, and gives it back with the questions
    /// that were raised.
    ///
    /// # Errors
    /// One of the callbacks failed or panicked (those after it were not called); or two asked
    /// under one name.
    pub async fn invoke_callbacks_async<E: BaseHookEvent>(
        &self,
        mut event: E,
    ) -> Result<(E, Vec<Interrupt>), Error> {
        let interrupts = super::dispatch::dispatch(self, &mut event).await?;
        Ok((event, interrupts))
    }

    fn callbacks<E: BaseHookEvent>(&self) -> &[HookCallback<E>] {
        self.lists
            .get(&TypeId::of::<E>())
            .and_then(|list| downcast::<E>(&list.callbacks))
            .map_or(&[], Vec::as_slice)
    }
}

fn downcast<E: BaseHookEvent>(list: &Arc<dyn Any + Send + Sync>) -> Option<&Vec<HookCallback<E>>> {
    list.downcast_ref()
}

impl fmt::Debug for HookRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: Vec<_> =
            self.lists.values().map(|list| (list.event, list.length)).collect();
        counts.sort_unstable();
        f.debug_map().entries(counts).finish()
    }
}
