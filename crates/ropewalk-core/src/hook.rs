//! Hooks: typed events, the callbacks that see, change or stop what an agent does, and the
//! registry that holds them.

mod callback;
mod dispatch;
mod erased;
mod event;
mod list;
mod lists;
pub mod order;
mod pipeline;
mod provider;
mod registry;
mod wrap;

pub use callback::{
    AsyncCallback, AsyncMethod, AsyncMethodObserver, AsyncObserver, Bound, CallbackKind,
    DEFAULT_TIMEOUT, HookCallback, HookResult, IntoCallback, IntoHookResult, bind, callback,
};
pub(crate) use dispatch::{panic_error, raised_by};
pub use erased::{AnyEvent, ErasedEvent, EventOutcome, EventTypes, ObservedEvent};
pub(crate) use event::event_name;
pub use event::{
    AfterInvocationEvent, AfterModelCallEvent, AfterToolCallEvent, AfterToolsEvent,
    AgentInitializedEvent, BaseHookEvent, BeforeInvocationEvent, BeforeModelCallEvent,
    BeforeToolCallEvent, BeforeToolsEvent, Cancel, DecisionEvent, EndTurn, HistoryEditedEvent,
    HookEvent, InterruptExpiringEvent, MessageAddedEvent, ModelStreamEvent, ToolCallGuardEvent,
};
pub(crate) use event::{CallReport, Decisions, Frame};
pub use list::{HookHandle, Tier};
pub use pipeline::{CallbackInfo, EventPipeline, Pipeline, WrapInfo};
pub use provider::HookProvider;
pub use registry::HookRegistry;
pub use wrap::{
    AsyncModelWrap, AsyncModelWrapMethod, AsyncToolWrap, AsyncToolWrapMethod, Limited,
    ModelCallRequest, ModelNext, ToolCallRequest, ToolNext, WrapModelCall, WrapToolCall, limited,
};
pub(crate) use wrap::{ModelBase, Stopped, ToolBase};
