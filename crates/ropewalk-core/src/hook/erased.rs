//! Events of any type: for callbacks that are called for several, or for all.

use std::any::Any;
use std::fmt;

use super::event::event_name;
use super::list::Entry;
use super::{BaseHookEvent, HookCallback, HookHandle, HookRegistry, Tier};

/// What every event is; nobody implements it by hand. See [`AnyEvent`].
pub trait ErasedEvent: Any + Send + Sync {
    #[doc(hidden)]
    fn erased_name(&self) -> &'static str;
}

impl<E: BaseHookEvent> ErasedEvent for E {
    fn erased_name(&self) -> &'static str {
        event_name::<E>()
    }
}

/// An event of a type that is found out at run time: what a callback for several types gets, see
/// [`HookRegistry::add_callback_for`]. As everywhere, `&AnyEvent` looks and `&mut AnyEvent` changes.
pub type AnyEvent = dyn ErasedEvent;

impl dyn ErasedEvent {
    /// The name of the event's type, without its path.
    pub fn name(&self) -> &'static str {
        self.erased_name()
    }

    /// The event, if it is of this type.
    pub fn get<E: BaseHookEvent>(&self) -> Option<&E> {
        let event: &dyn Any = self;
        event.downcast_ref()
    }

    /// The event, to be changed, if it is of this type.
    pub fn get_mut<E: BaseHookEvent>(&mut self) -> Option<&mut E> {
        let event: &mut dyn Any = self;
        event.downcast_mut()
    }
}

impl fmt::Debug for dyn ErasedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyEvent({})", self.name())
    }
}

/// How the callbacks of an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
// As large as a word: the event behind it in `ObservedEvent` is copied word by word then. With an outcome
// of one byte the copy began at the second one, and its reads, which lay across what was written just
// before, waited for that.
#[repr(usize)]
pub enum EventOutcome {
    /// All were called, and the step goes on.
    Continued,
    /// All were called, and at least one put a question.
    Asked,
    /// One failed; those after it were not called, and the step stops.
    Failed,
}

/// An event after its callbacks: what an observer of all events gets, see
/// [`HookRegistry::observe_all`].
pub struct ObservedEvent<T: ?Sized = AnyEvent> {
    pub(super) outcome: EventOutcome,
    pub(super) event: T,
}

impl<E: BaseHookEvent> ObservedEvent<E> {
    pub(super) fn new(event: E) -> Self {
        Self { outcome: EventOutcome::Continued, event }
    }
}

impl ObservedEvent {
    /// The name of the event's type, without its path.
    pub fn name(&self) -> &'static str {
        self.event.name()
    }

    /// How its callbacks ended.
    pub fn outcome(&self) -> EventOutcome {
        self.outcome
    }

    /// The event, if it is of this type.
    pub fn get<E: BaseHookEvent>(&self) -> Option<&E> {
        self.event.get()
    }
}

impl<T: ?Sized> fmt::Debug for ObservedEvent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedEvent").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

/// Event types as a tuple: `(A,)` to twelve of them. See [`HookRegistry::add_callback_for`].
pub trait EventTypes {
    #[doc(hidden)]
    fn register(registration: &mut Registration<'_>);
}

/// One callback on its way into the lists of several types.
#[doc(hidden)]
#[allow(unreachable_pub)]
#[derive(Debug)]
pub struct Registration<'a> {
    pub(super) registry: &'a mut HookRegistry,
    pub(super) callback: HookCallback<AnyEvent>,
    pub(super) handle: HookHandle,
}

impl Registration<'_> {
    /// Adds it for one type; a type that is named twice has it once.
    fn add<E: BaseHookEvent>(&mut self) {
        if self.registry.list::<E>().is_some_and(|list| list.contains(self.handle)) {
            return;
        }
        let callback = self.callback.narrowed::<E>();
        self.registry.insert(Entry { handle: self.handle, tier: Tier::User, callback });
    }
}

macro_rules! event_types {
    ($first:ident $($rest:ident)*) => {
        impl<$first: BaseHookEvent, $($rest: BaseHookEvent),*> EventTypes for ($first, $($rest,)*) {
            fn register(registration: &mut Registration<'_>) {
                registration.add::<$first>();
                $(registration.add::<$rest>();)*
            }
        }
        event_types!($($rest)*);
    };
    () => {};
}
event_types!(A B C D E F G H I J K L);
