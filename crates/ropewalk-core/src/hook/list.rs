//! The callbacks of one event type, in the order in which they are called.

use std::any::Any;
use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::event::event_name;
use super::pipeline::{CallbackInfo, EventPipeline};
use super::{BaseHookEvent, HookCallback};

/// Whose callback it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Of whoever runs the agent. These stand around all others: first when something begins, last
    /// when it ends. They are locked: nothing that is public removes or moves them.
    Host,
    /// Of everybody else: all that is added through the public methods of a registry.
    User,
}

/// Names a registration, to take it back with [`HookRegistry::remove`](crate::HookRegistry::remove).
/// No two in one process are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookHandle(u64);

impl HookHandle {
    pub(super) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A callback with its registration.
pub(super) struct Entry<T: ?Sized> {
    pub(super) handle: HookHandle,
    pub(super) tier: Tier,
    pub(super) callback: HookCallback<T>,
}

impl<T: ?Sized> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { handle: self.handle, tier: self.tier, callback: self.callback.clone() }
    }
}

/// Callbacks in both orders, so that nothing is sorted when an event comes. Shared by the registries that
/// have the same ones.
pub(super) struct List<T: ?Sized> {
    forward: Arc<[Entry<T>]>,
    reverse: Arc<[Entry<T>]>,
    is_async: bool,
}

impl<T: ?Sized> Default for List<T> {
    fn default() -> Self {
        Self { forward: Arc::default(), reverse: Arc::default(), is_async: false }
    }
}

impl<T: ?Sized> Clone for List<T> {
    fn clone(&self) -> Self {
        let Self { forward, reverse, is_async } = self;
        Self { forward: forward.clone(), reverse: reverse.clone(), is_async: *is_async }
    }
}

impl<T: ?Sized> List<T> {
    /// All, in the order of the call.
    pub(super) fn entries(&self, reverse: bool) -> &[Entry<T>] {
        if reverse { &self.reverse } else { &self.forward }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.forward.is_empty()
    }

    /// True if one of them must be awaited.
    pub(super) fn is_async(&self) -> bool {
        self.is_async
    }

    /// Puts one behind those of its tier and order number.
    pub(super) fn insert(&mut self, entry: Entry<T>) {
        *self = self.forward.iter().cloned().chain([entry]).collect();
    }

    pub(super) fn contains(&self, handle: HookHandle) -> bool {
        self.forward.iter().any(|entry| entry.handle == handle)
    }

    /// True if there is one to which this applies.
    pub(super) fn any(&self, test: &dyn Fn(HookHandle, Tier) -> bool) -> bool {
        self.forward.iter().any(|entry| test(entry.handle, entry.tier))
    }

    /// Those that are to stay.
    pub(super) fn filtered(&self, keep: &dyn Fn(HookHandle, Tier) -> bool) -> Self {
        let stays = self.forward.iter().filter(|entry| keep(entry.handle, entry.tier));
        stays.cloned().collect()
    }

    /// All of them, as those of the host.
    pub(super) fn as_host(&self) -> Self {
        self.forward.iter().cloned().map(|entry| Entry { tier: Tier::Host, ..entry }).collect()
    }

    /// These, and behind them others.
    pub(super) fn appended(&self, others: &Self) -> Self {
        self.forward.iter().chain(&*others.forward).cloned().collect()
    }

    pub(super) fn infos(&self, reverse: bool) -> Vec<CallbackInfo> {
        self.entries(reverse).iter().map(CallbackInfo::of).collect()
    }
}

/// In the order in which they were registered, as far as their tiers and order numbers are the same.
impl<T: ?Sized> FromIterator<Entry<T>> for List<T> {
    fn from_iter<I: IntoIterator<Item = Entry<T>>>(entries: I) -> Self {
        let mut forward: Vec<Entry<T>> = entries.into_iter().collect();
        let is_async = forward.iter().any(|entry| entry.callback.is_async());
        // The tiers are turned round and so are equals, the order numbers are not.
        let mut reverse: Vec<Entry<T>> = forward.iter().rev().cloned().collect();
        reverse.sort_by_key(|entry| (Reverse(entry.tier), entry.callback.order_number()));
        forward.sort_by_key(|entry| (entry.tier, entry.callback.order_number()));
        Self { forward: forward.into(), reverse: reverse.into(), is_async }
    }
}

/// A [`List`] whose event type is not known here.
pub(super) trait AnyList: Any + Send + Sync {
    /// The name of the event type with its path.
    fn type_name(&self) -> &'static str;
    /// How many there are.
    fn length(&self) -> usize;
    /// True if there is one to which this applies.
    fn any(&self, test: &dyn Fn(HookHandle, Tier) -> bool) -> bool;
    /// Those that are to stay; none if there are none.
    fn filtered(&self, keep: &dyn Fn(HookHandle, Tier) -> bool) -> Option<Box<dyn AnyList>>;
    /// All of them, as those of the host.
    fn as_host(&self) -> Box<dyn AnyList>;
    /// These, and behind them those of another list; none if that is one for another type.
    fn appended(&self, others: &dyn AnyList) -> Option<Box<dyn AnyList>>;
    /// The same callbacks, for another registry.
    fn share(&self) -> Box<dyn AnyList>;
    /// What is to be known about them.
    fn pipeline(&self) -> EventPipeline;
}

impl<E: BaseHookEvent> AnyList for List<E> {
    fn type_name(&self) -> &'static str {
        std::any::type_name::<E>()
    }

    fn length(&self) -> usize {
        self.forward.len()
    }

    fn any(&self, test: &dyn Fn(HookHandle, Tier) -> bool) -> bool {
        self.any(test)
    }

    fn filtered(&self, keep: &dyn Fn(HookHandle, Tier) -> bool) -> Option<Box<dyn AnyList>> {
        let list = self.filtered(keep);
        if list.is_empty() { None } else { Some(Box::new(list)) }
    }

    fn as_host(&self) -> Box<dyn AnyList> {
        Box::new(self.as_host())
    }

    fn appended(&self, others: &dyn AnyList) -> Option<Box<dyn AnyList>> {
        Some(Box::new(self.appended(downcast::<E>(others)?)))
    }

    fn share(&self) -> Box<dyn AnyList> {
        Box::new(self.clone())
    }

    fn pipeline(&self) -> EventPipeline {
        EventPipeline {
            event: event_name::<E>(),
            writable: E::WRITABLE,
            interruptible: E::INTERRUPTIBLE,
            reverse: E::REVERSE,
            callbacks: self.infos(E::REVERSE),
        }
    }
}

impl Clone for Box<dyn AnyList> {
    fn clone(&self) -> Self {
        self.share()
    }
}

/// The list, if it is one for `E`.
pub(super) fn downcast<E: BaseHookEvent>(list: &dyn AnyList) -> Option<&List<E>> {
    let list: &dyn Any = list;
    list.downcast_ref()
}

/// The same, to be changed.
pub(super) fn downcast_mut<E: BaseHookEvent>(list: &mut dyn AnyList) -> Option<&mut List<E>> {
    let list: &mut dyn Any = list;
    list.downcast_mut()
}
