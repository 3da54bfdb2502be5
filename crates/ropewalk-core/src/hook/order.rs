//! When a callback is called: the levels of [`HookCallback::order`](crate::HookCallback::order) that
//! have a name. Any number between them will do as well; lower numbers are called first, for every
//! event, also for those that end something. Among equal numbers the order of registration counts,
//! and events that end something reverse it.

/// Before everything else.
pub const SDK_FIRST: i32 = -100;
/// Where an intervention looks at what came out.
pub const INTERVENTION_OUTPUT: i32 = -90;
/// Where a callback stands that says nothing.
pub const DEFAULT: i32 = 0;
/// Where it is decided which model is asked.
pub const MODEL_ROUTING: i32 = 50;
/// Where an intervention looks at what goes in.
pub const INTERVENTION_INPUT: i32 = 90;
/// After everything else.
pub const SDK_LAST: i32 = 100;
