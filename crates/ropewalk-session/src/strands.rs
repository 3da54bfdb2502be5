//! Sessions in the files of Strands Agents.

mod file;
mod id;
mod layout;
mod place;
mod record;
mod restore;
mod session;
mod shelf;
mod shown;
mod time;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use ropewalk_core::{BoxFuture, Error, ErrorKind, Journal, SessionAgent, SessionManager};
use tokio::sync::Mutex;

use layout::Layout;

pub use session::StrandsSession;

/// Keeps the agents of one session in files, as Strands' `FileSessionManager` does: a session that was begun
/// there goes on here, and the other way round, open questions included.
///
/// Files of 1.21 up to 1.62 are read, and what is written all of these read. Clones share the session.
///
/// ```
/// use ropewalk_core::Agent;
/// use ropewalk_session::FileSessionManager;
/// use ropewalk_testkit::{Reply, ScriptedModel};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let mut agent = Agent::builder()
///     .model(ScriptedModel::new([Reply::text("Noted.")]))
///     .session_manager(FileSessionManager::new("ada").storage_dir(folder))
///     .build()
///     .await?;
/// agent.invoke("I am Ada.").await?;
/// assert!(folder.join("session_ada/agents/agent_default/messages/message_1.json").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileSessionManager {
    session_id: String,
    storage_dir: Option<PathBuf>,
    /// Who is open, by agent id.
    open: Arc<Mutex<BTreeMap<String, Weak<StrandsSession>>>>,
}

impl FileSessionManager {
    /// The session of this id in `.strands/sessions` in the user's home, as Strands has it since 1.48. It is made
    /// when its first agent is opened. The id is one name of a folder: no path separators, not `.` or `..`.
    pub fn new(session_id: impl Into<String>) -> Self {
        Self { session_id: session_id.into(), storage_dir: None, open: Arc::default() }
    }

    /// The folder in which sessions are kept. Strands before 1.48 has `strands/sessions` in the system's
    /// folder for temporary files unless it is told otherwise.
    #[must_use]
    pub fn storage_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.storage_dir = Some(folder.into());
        self
    }

    /// Opens what is kept of one agent, or begins it; for [`Blueprint::open`](ropewalk_core::Blueprint::open).
    /// As long as it is open, no other process of Ropewalk can open it. (Strands does not look whether
    /// somebody else has a session open.)
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for an id that is none, or if there is no home to keep sessions in.
    /// [`ErrorKind::Journal`] if the files can't be read or written, are damaged, or are open already;
    /// [`ErrorKind::Unsupported`] if a newer version of Ropewalk wrote them, or only Strands can go on with them.
    pub async fn agent(&self, agent_id: &str) -> Result<Arc<StrandsSession>, Error> {
        self.open_agent(agent_id, None).await
    }

    async fn open_agent(
        &self,
        agent_id: &str,
        manager: Option<String>,
    ) -> Result<Arc<StrandsSession>, Error> {
        let layout = Layout::new(&self.folder()?, &self.session_id, agent_id)?;
        let mut open = self.open.lock().await;
        if open.get(agent_id).is_some_and(|open| open.strong_count() > 0) {
            let text = format!(
                "agent_id=<{agent_id}> | must be unique in a session, and another agent has it: give this one an `agent_id` of its own"
            );
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let session = Arc::new(StrandsSession::open(layout, manager).await?);
        open.insert(agent_id.to_owned(), Arc::downgrade(&session));
        Ok(session)
    }

    fn folder(&self) -> Result<PathBuf, Error> {
        if let Some(folder) = &self.storage_dir {
            return Ok(folder.clone());
        }
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        home.map(|home| home.join(".strands").join("sessions")).ok_or_else(|| {
            let text = "there is no home folder to keep sessions in: set `storage_dir`";
            Error::new(ErrorKind::InvalidInput, text)
        })
    }
}

impl SessionManager for FileSessionManager {
    fn open<'a>(
        &'a self,
        agent: &'a SessionAgent,
    ) -> BoxFuture<'a, Result<Arc<dyn Journal>, Error>> {
        Box::pin(async move {
            let manager = Some(agent.conversation_manager.clone());
            let session: Arc<dyn Journal> = self.open_agent(&agent.agent_id, manager).await?;
            Ok(session)
        })
    }
}
