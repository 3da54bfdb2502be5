//! What hooks and tools may see of an agent.

mod agent;
mod result;
mod state;

pub use agent::AgentView;
pub(crate) use agent::Identity;
pub use result::AgentResult;
pub use state::InvocationState;
