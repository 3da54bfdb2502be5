//! What hooks are told.

mod cancel;
mod invocation;
mod model;
mod tool;
mod tools;

use crate::interrupt::InterruptScope;
use crate::view::AgentView;

pub use cancel::Cancel;
pub use invocation::{
    AfterInvocationEvent, AgentInitializedEvent, BeforeInvocationEvent, MessageAddedEvent,
};
pub use model::{AfterModelCallEvent, BeforeModelCallEvent};
pub(crate) use tool::CallReport;
pub use tool::{AfterToolCallEvent, BeforeToolCallEvent};
pub use tools::{AfterToolsEvent, BeforeToolsEvent, EndTurn};

/// An event that hooks can be registered for (Strands' `BaseHookEvent`). Users may define and
/// dispatch their own.
///
/// Fields are private: what a callback may change has a setter, the rest only a getter. Where
/// Strands says `Property x is not writable` at run time, here the callback does not compile.
///
/// ```
/// use ropewalk_core::{BaseHookEvent, HookRegistry};
///
/// struct StockRanOut { item: String }
/// impl BaseHookEvent for StockRanOut {}
///
/// let mut registry = HookRegistry::new();
/// registry.add_callback(|event: &StockRanOut| println!("no more {}", event.item));
/// registry.invoke_callbacks(StockRanOut { item: "hemp".into() })?;
/// # Ok::<(), ropewalk_core::Error>(())
/// ```
pub trait BaseHookEvent: Send + Sync + 'static {
    /// True if callbacks are called in reverse order of their registration, as for events that end
    /// something.
    fn should_reverse_callbacks(&self) -> bool {
        false
    }

    /// Where questions of this event are asked from. None: it can't be interrupted, and a question
    /// that is raised all the same is an error.
    fn interrupt_scope(&self) -> Option<&InterruptScope> {
        None
    }
}

/// An event of one agent (Strands' `HookEvent`).
pub trait HookEvent: BaseHookEvent {
    /// The agent at this moment.
    fn agent(&self) -> &AgentView;
}

/// The name of an event type without its path.
pub(crate) fn event_name<E>() -> &'static str {
    let name = std::any::type_name::<E>();
    name.rsplit("::").next().unwrap_or(name)
}

/// Implements [`HookEvent`] for a struct with a field `agent`.
macro_rules! agent_event {
    ($event:ty) => {
        impl crate::hook::HookEvent for $event {
            fn agent(&self) -> &crate::view::AgentView {
                &self.agent
            }
        }
    };
}
use agent_event;
