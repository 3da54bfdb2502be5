//! Hooks: typed events, the callbacks that see, change or stop what an agent does, and the
//! registry that holds them.

mod callback;
mod dispatch;
mod event;
mod provider;
mod registry;

pub use callback::{
    AsyncCallback, AsyncMethod, AsyncMethodObserver, AsyncObserver, Bound, CallbackKind,
    HookCallback, HookResult, IntoCallback, IntoHookResult, bind,
};
pub(crate) use dispatch::{panic_error, raised_by};
pub(crate) use event::CallReport;
pub use event::{
    AfterInvocationEvent, AfterModelCallEvent, AfterToolCallEvent, AfterToolsEvent,
    AgentInitializedEvent, BaseHookEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, BeforeToolsEvent, Cancel, EndTurn, HookEvent, MessageAddedEvent,
};
pub use provider::HookProvider;
pub use registry::HookRegistry;
