//! The agents of one session, in any place.

use std::sync::Arc;

use ropewalk_core::{BoxFuture, Error, ErrorKind, Journal, SessionAgent, SessionManager};

use super::Sessions;
use crate::session::Session;

/// Keeps the agents of one session wherever [`Sessions`] can be kept, as Strands' `RepositorySessionManager` does
/// with a `SessionRepository`; made by [`Sessions::manager`].
///
/// Each agent is a session of its own there, by the name `<session id>.<agent id>`. Clones are the same session.
///
/// ```
/// use ropewalk_core::Agent;
/// use ropewalk_session::Sessions;
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let sessions = Sessions::in_memory();
/// let mut clerk = Agent::builder()
///     .model(ScriptedModel::new([Reply::text("Noted.")]))
///     .agent_id("clerk")
///     .session_manager(sessions.manager("ada"))
///     .build()
///     .await?;
/// clerk.invoke("I am Ada.").await?;
/// assert_eq!(sessions.names().await?, ["ada.clerk"]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RepositorySessionManager {
    sessions: Sessions,
    session_id: String,
}

impl RepositorySessionManager {
    pub(super) fn new(sessions: Sessions, session_id: String) -> Self {
        Self { sessions, session_id }
    }

    /// Opens what is kept of one agent, or begins it; for [`Blueprint::open`](ropewalk_core::Blueprint::open).
    /// As long as it is open, nobody else can open it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for an agent id with a dot in it (what stands before the last dot of the name is
    /// the session's id), or ids that together are no name of a session. Else as for [`Sessions::session`].
    pub async fn agent(&self, agent_id: &str) -> Result<Session, Error> {
        let problem = if self.session_id.is_empty() {
            "a session's id can't be empty".to_owned()
        } else if agent_id.is_empty() || agent_id.contains('.') {
            format!("the agent id `{agent_id}` can't be empty or hold a dot: use `-` or `_`")
        } else {
            return self.sessions.session(&format!("{}.{agent_id}", self.session_id)).await;
        };
        Err(Error::new(ErrorKind::InvalidInput, problem))
    }
}

impl SessionManager for RepositorySessionManager {
    fn open<'a>(
        &'a self,
        agent: &'a SessionAgent,
    ) -> BoxFuture<'a, Result<Arc<dyn Journal>, Error>> {
        Box::pin(async move {
            let session: Arc<dyn Journal> = Arc::new(self.agent(&agent.agent_id).await?);
            Ok(session)
        })
    }
}
