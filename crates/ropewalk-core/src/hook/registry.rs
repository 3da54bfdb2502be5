//! Who is called for which event.

use std::fmt;
use std::sync::{Arc, LazyLock};

use super::erased::Registration;
use super::list::{AnyList, Entry, List};
use super::lists::Lists;
use super::wrap::Wraps;
use super::{
    AnyEvent, BaseHookEvent, EventTypes, HookCallback, HookHandle, HookProvider, IntoCallback,
    ModelStreamEvent, ObservedEvent, Pipeline, Tier, WrapModelCall, WrapToolCall,
};

/// Who is called for which event (Strands' `HookRegistry`). Callbacks are kept for the exact event
/// type. Cloning is cheap; a clone is a registry of its own.
///
/// They are called one after the other: by tier ([`Tier`]), then by order number
/// ([`HookCallback::order`]), then in the order of registration. Events that end something turn round
/// the tiers, and the order of registration among equal numbers.
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
#[derive(Clone)]
pub struct HookRegistry {
    /// Shared until one of its holders changes it.
    inner: Arc<Inner>,
}

#[derive(Clone, Default)]
struct Inner {
    lists: Lists,
    /// Who sees every event.
    observers: List<ObservedEvent>,
    /// Who sees what models stream.
    stream: List<ModelStreamEvent>,
    /// What stands around the calls.
    wraps: Wraps,
}

/// What all registries share in which there is nothing yet: each builder of an agent makes two.
static NOBODY: LazyLock<Arc<Inner>> = LazyLock::new(Arc::default);

impl Default for HookRegistry {
    fn default() -> Self {
        Self { inner: Arc::clone(&NOBODY) }
    }
}

impl HookRegistry {
    /// Nobody is called for anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a callback of any shape; see [`IntoCallback`] for which there are, and
    /// [`callback`](crate::callback()) for its order, name and time limit. Gives the handle with which
    /// it can be removed.
    pub fn add_callback<E: BaseHookEvent, Kind>(
        &mut self,
        callback: impl IntoCallback<E, Kind>,
    ) -> HookHandle {
        let handle = HookHandle::next();
        self.insert(Entry { handle, tier: Tier::User, callback: callback.into_callback() });
        handle
    }

    /// Registers one callback for several event types; a type that is named twice has it once. Gives
    /// one handle for all of them.
    ///
    /// ```
    /// use ropewalk_core::{AfterToolCallEvent, AnyEvent, BeforeToolCallEvent, HookRegistry};
    ///
    /// let mut registry = HookRegistry::new();
    /// registry.add_callback_for::<(BeforeToolCallEvent, AfterToolCallEvent), _>(|event: &AnyEvent| {
    ///     match event.get::<BeforeToolCallEvent>() {
    ///         Some(event) => println!("{} starts", event.tool_use().name),
    ///         None => println!("{}", event.name()),
    ///     }
    /// });
    /// ```
    pub fn add_callback_for<Events: EventTypes, Kind>(
        &mut self,
        callback: impl IntoCallback<AnyEvent, Kind>,
    ) -> HookHandle {
        let handle = HookHandle::next();
        let callback = callback.into_callback();
        Events::register(&mut Registration { registry: self, callback, handle });
        handle
    }

    /// Registers a callback that sees every event there is, of whatever type: once, after the event's
    /// own callbacks, also when one of them failed or asked. It can only look. If it fails, that is
    /// reported, and nothing stops. Gives the handle with which it can be removed.
    ///
    /// ```
    /// use ropewalk_core::{HookRegistry, ObservedEvent};
    ///
    /// let mut registry = HookRegistry::new();
    /// registry.observe_all(|event: &ObservedEvent| {
    ///     println!("{}: {:?}", event.name(), event.outcome());
    /// });
    /// ```
    pub fn observe_all<Kind>(
        &mut self,
        callback: impl IntoCallback<ObservedEvent, Kind>,
    ) -> HookHandle {
        let handle = HookHandle::next();
        let entry = Entry { handle, tier: Tier::User, callback: callback.into_callback() };
        Arc::make_mut(&mut self.inner).observers.insert(entry);
        handle
    }

    /// Registers a callback that sees each chunk as it comes from a model. It can only look: one that
    /// takes `&mut` does not compile. If it fails, that is reported, and nothing stops; the stream
    /// waits for one that is async. Gives the handle with which it can be removed.
    ///
    /// ```
    /// use ropewalk_core::{HookRegistry, ModelStreamEvent};
    ///
    /// let mut registry = HookRegistry::new();
    /// registry.observe_stream(|event: &ModelStreamEvent| print!("{}", event.text().unwrap_or("")));
    /// ```
    pub fn observe_stream<Kind>(
        &mut self,
        callback: impl IntoCallback<ModelStreamEvent, Kind>,
    ) -> HookHandle {
        let handle = HookHandle::next();
        let entry = Entry { handle, tier: Tier::User, callback: callback.into_callback() };
        Arc::make_mut(&mut self.inner).stream.insert(entry);
        handle
    }

    /// Adds code around every tool call; see [`WrapToolCall`]. The first one is the outermost. Gives
    /// the handle with which it can be removed.
    pub fn wrap_tool_call(&mut self, wrap: impl WrapToolCall) -> HookHandle {
        Arc::make_mut(&mut self.inner).wraps.tools.push(Arc::new(wrap))
    }

    /// Adds code around every model call; see [`WrapModelCall`]. The first one is the outermost. Gives
    /// the handle with which it can be removed.
    pub fn wrap_model_call(&mut self, wrap: impl WrapModelCall) -> HookHandle {
        Arc::make_mut(&mut self.inner).wraps.models.push(Arc::new(wrap))
    }

    /// Takes back what was registered under a handle. False if there is nothing under it (any more),
    /// or if the host has it locked.
    pub fn remove(&mut self, handle: HookHandle) -> bool {
        let goes = |other: HookHandle, tier| other == handle && tier == Tier::User;
        let known = self.any(&goes);
        if known {
            *self = self.filtered(&|handle, tier| !goes(handle, tier));
        }
        known
    }

    /// Registers all callbacks of a provider.
    pub fn add_hook(&mut self, provider: &(impl HookProvider + ?Sized)) {
        if !self.any(&|_, tier| tier == Tier::Host) {
            provider.register_hooks(self);
            return;
        }
        // A provider could put another registry in place of the one it is given: it is not given
        // what the host has locked.
        let mut user = self.only(Tier::User);
        provider.register_hooks(&mut user);
        *self = self.only(Tier::Host).merged(&user);
    }

    /// True if there is any callback, for any event.
    pub fn has_callbacks(&self) -> bool {
        !self.inner.lists.is_empty() || !self.inner.observers.is_empty()
    }

    /// True if there is a callback for events of this type, or one for all events. Whoever dispatches
    /// asks first, so that an event nobody listens to is not even built.
    #[inline]
    pub fn listens_to<E: BaseHookEvent>(&self) -> bool {
        !self.inner.observers.is_empty() || self.list::<E>().is_some()
    }

    /// The callbacks for an event, in the order in which they will be called; those for all events
    /// ([`observe_all`](Self::observe_all)) are not among them.
    pub fn get_callbacks_for<E: BaseHookEvent>(
        &self,
        event: &E,
    ) -> impl Iterator<Item = &HookCallback<E>> {
        let list = self.list::<E>();
        let entries = list.map_or(&[][..], |list| list.entries(event.should_reverse_callbacks()));
        entries.iter().map(|entry| &entry.callback)
    }

    /// Who is called for which event, in which order, and what each may do.
    pub fn pipeline(&self) -> Pipeline {
        let mut lists: Vec<_> = self.inner.lists.iter().collect();
        lists.sort_by_key(|list| {
            let path = list.type_name();
            (path.rsplit("::").next(), path)
        });
        Pipeline {
            events: lists.into_iter().map(|list| list.pipeline()).collect(),
            observers: self.inner.observers.infos(false),
            stream_observers: self.inner.stream.infos(false),
            model_wraps: self.inner.wraps.models.infos(|wrap| (wrap.name(), wrap.timeout())),
            tool_wraps: self.inner.wraps.tools.infos(|wrap| (wrap.name(), wrap.timeout())),
        }
    }

    /// Takes over all callbacks of another registry, whosever they were, as those of the host.
    pub(crate) fn add_host(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let lists = other.inner.lists.iter().map(AnyList::as_host).collect();
        let observers = other.inner.observers.as_host();
        let (stream, wraps) = (other.inner.stream.as_host(), other.inner.wraps.as_host());
        *self = self.appended(&Self { inner: Arc::new(Inner { lists, observers, stream, wraps }) });
    }

    /// These callbacks, and behind those of the users another registry's, with their order numbers
    /// and handles. What the other has as a host is left out.
    pub(crate) fn merged(&self, other: &Self) -> Self {
        self.appended(&other.only(Tier::User))
    }

    /// True if there is neither a callback nor code around calls.
    pub(crate) fn is_empty(&self) -> bool {
        Arc::ptr_eq(&self.inner, &NOBODY)
            || !self.has_callbacks() && self.inner.stream.is_empty() && self.inner.wraps.is_empty()
    }

    /// What stands around every tool call, the outermost first.
    pub(crate) fn tool_wraps(&self) -> &[Arc<dyn WrapToolCall>] {
        self.inner.wraps.tools.as_slice()
    }

    /// What stands around every model call, the outermost first.
    pub(crate) fn model_wraps(&self) -> &[Arc<dyn WrapModelCall>] {
        self.inner.wraps.models.as_slice()
    }

    /// What a tier has.
    fn only(&self, tier: Tier) -> Self {
        if !self.any(&|_, other| other != tier) {
            return self.clone();
        }
        self.filtered(&|_, other| other == tier)
    }

    fn any(&self, test: &dyn Fn(HookHandle, Tier) -> bool) -> bool {
        self.inner.lists.iter().any(|list| list.any(test))
            || self.inner.observers.any(test)
            || self.inner.stream.any(test)
            || self.inner.wraps.any(test)
    }

    fn filtered(&self, keep: &dyn Fn(HookHandle, Tier) -> bool) -> Self {
        let lists = self.inner.lists.iter().filter_map(|list| list.filtered(keep)).collect();
        let observers = self.inner.observers.filtered(keep);
        let (stream, wraps) = (self.inner.stream.filtered(keep), self.inner.wraps.filtered(keep));
        Self { inner: Arc::new(Inner { lists, observers, stream, wraps }) }
    }

    fn appended(&self, others: &Self) -> Self {
        if others.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return others.clone();
        }
        let mut inner = Inner::clone(&self.inner);
        others.inner.lists.iter().for_each(|list| inner.lists.append(list));
        inner.observers = inner.observers.appended(&others.inner.observers);
        inner.stream = inner.stream.appended(&others.inner.stream);
        inner.wraps = inner.wraps.appended(&others.inner.wraps);
        Self { inner: Arc::new(inner) }
    }

    pub(super) fn insert<E: BaseHookEvent>(&mut self, entry: Entry<E>) {
        Arc::make_mut(&mut self.inner).lists.insert(entry);
    }

    /// The callbacks for one type.
    pub(super) fn list<E: BaseHookEvent>(&self) -> Option<&List<E>> {
        self.inner.lists.of()
    }

    /// True if somebody sees what models stream.
    pub(crate) fn watches_stream(&self) -> bool {
        !self.inner.stream.is_empty()
    }

    /// Who sees what models stream.
    pub(super) fn stream_observers(&self) -> &List<ModelStreamEvent> {
        &self.inner.stream
    }

    /// Who sees every event.
    pub(super) fn observers(&self) -> &List<ObservedEvent> {
        &self.inner.observers
    }
}

impl fmt::Debug for HookRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists = self.inner.lists.iter();
        let mut counts: Vec<_> = lists.map(|list| (list.type_name(), list.length())).collect();
        counts.sort_unstable();
        let observers = self.inner.observers.entries(false).len();
        f.debug_map().entries(counts).entry(&"every event", &observers).finish()
    }
}

#[cfg(test)]
#[path = "../../tests/hook/host.rs"]
mod host_tests;
