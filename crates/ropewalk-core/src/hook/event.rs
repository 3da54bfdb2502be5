//! What hooks are told.

mod cancel;
mod decision;
mod frame;
mod guard;
mod history;
mod invocation;
mod model;
mod stream;
mod tool;
mod tools;

use crate::interrupt::InterruptScope;
use crate::view::AgentView;

pub use cancel::Cancel;
pub use decision::{DecisionEvent, InterruptExpiringEvent};
pub(crate) use frame::{Decisions, Frame};
pub use guard::ToolCallGuardEvent;
pub use history::HistoryEditedEvent;
pub use invocation::{
    AfterInvocationEvent, AgentInitializedEvent, BeforeInvocationEvent, MessageAddedEvent,
};
pub use model::{AfterModelCallEvent, BeforeModelCallEvent};
pub use stream::ModelStreamEvent;
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
    /// True if the event ends something: the host's callbacks are called last, and callbacks of equal
    /// order number in reverse order of their registration.
    const REVERSE: bool = false;

    /// The names of what callbacks may change, for people who read a
    /// [`Pipeline`](crate::Pipeline).
    const WRITABLE: &'static [&'static str] = &[];

    /// True if callbacks may put questions from it, for people who read a
    /// [`Pipeline`](crate::Pipeline). What counts is [`interrupt_scope`](Self::interrupt_scope).
    const INTERRUPTIBLE: bool = false;

    /// True if this very event calls its callbacks as [`REVERSE`](Self::REVERSE) says.
    fn should_reverse_callbacks(&self) -> bool {
        Self::REVERSE
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
    // The path of what stands in angle brackets is not that of the type.
    let plain = name.split('<').next().unwrap_or(name);
    let start = plain.rfind("::").map_or(0, |at| at + 2);
    &name[start..]
}
