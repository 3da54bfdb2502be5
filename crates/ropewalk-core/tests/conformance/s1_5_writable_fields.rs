//! §1.5 What the writable fields do.
//!
//! `BeforeInvocation.messages` can't be None here, which falls back to the original in Strands: it is a list, as
//! its type says. `BeforeNodeCall.cancel_node` belongs to teams, of which there are none yet.

mod after_tools;
mod before_tools;
mod invocation;
mod model_call;
