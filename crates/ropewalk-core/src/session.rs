//! Who keeps the agents of a session.

use std::sync::Arc;

use crate::error::Error;
use crate::hook::HookRegistry;
use crate::journal::Journal;
use crate::tool::BoxFuture;

/// Keeps the agents of one session, each under its id (Strands' `SessionManager`): given to
/// [`AgentBuilder::session_manager`](crate::AgentBuilder::session_manager).
///
/// It says where an agent's records go. What Strands' session managers do in hooks (storing messages, the
/// state, what waits for answers) the records do: they hold all of it.
///
/// ```
/// use std::sync::Arc;
/// use ropewalk_core::{BoxFuture, Error, Journal, MemoryJournal, SessionAgent, SessionManager};
///
/// /// Keeps nothing beyond the process.
/// struct Forgetful;
///
/// impl SessionManager for Forgetful {
///     fn open<'a>(
///         &'a self,
///         _: &'a SessionAgent,
///     ) -> BoxFuture<'a, Result<Arc<dyn Journal>, Error>> {
///         Box::pin(async { Ok(Arc::new(MemoryJournal::new()) as Arc<dyn Journal>) })
///     }
/// }
/// ```
pub trait SessionManager: Send + Sync + 'static {
    /// Opens what is kept of an agent, or begins it. Called once, when the agent is built.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that can't be used, or that another
    /// agent has; [`ErrorKind::Journal`](crate::ErrorKind::Journal) if what is kept can't be read.
    fn open<'a>(
        &'a self,
        agent: &'a SessionAgent,
    ) -> BoxFuture<'a, Result<Arc<dyn Journal>, Error>>;

    /// Adds callbacks of its own, if it needs any. Unless it is overridden there are none.
    fn register_hooks(&self, registry: &mut HookRegistry) {
        let _ = registry;
    }
}

/// Which agent a [`SessionManager`] is to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionAgent {
    /// Its id within the session.
    pub agent_id: String,
    /// The name of its conversation manager.
    pub conversation_manager: String,
}

impl<M: SessionManager + ?Sized> SessionManager for Arc<M> {
    fn open<'a>(
        &'a self,
        agent: &'a SessionAgent,
    ) -> BoxFuture<'a, Result<Arc<dyn Journal>, Error>> {
        (**self).open(agent)
    }

    fn register_hooks(&self, registry: &mut HookRegistry) {
        (**self).register_hooks(registry);
    }
}
