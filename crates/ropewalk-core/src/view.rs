//! What hooks and tools may see of an agent.

mod agent;
mod agent_state;
mod extensions;
mod result;
mod state;

pub use agent::AgentView;
pub(crate) use agent::Identity;
pub use agent_state::AgentState;
pub(crate) use agent_state::{StateValues, initial_values};
pub use result::AgentResult;
pub use state::InvocationState;
pub(crate) use state::stops_event_loop;
