//! Where Strands keeps what.

use std::fs;
use std::path::{Path, PathBuf};

use ropewalk_core::Error;

use super::file::{self, damaged};
use super::id;
use super::record::SessionRecord;
use crate::disk::io_error;

/// The places of one agent of one session, as Strands' `FileSessionManager` has them:
///
/// ```text
/// session_<session_id>/
///   session.json
///   agents/agent_<agent_id>/agent.json
///   agents/agent_<agent_id>/messages/message_<n>.json
///   multi_agents/
/// ```
///
/// Beside `agent.json` stands `ropewalk.jsonl`, which Strands does not look at.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    session_id: String,
    agent_id: String,
    storage: PathBuf,
}

/// The name, without its ending, of what Ropewalk keeps for itself.
pub(super) const OWN: &str = "ropewalk";

impl Layout {
    pub(super) fn new(storage: &Path, session_id: &str, agent_id: &str) -> Result<Self, Error> {
        id::check("session_id", session_id)?;
        id::check("agent_id", agent_id)?;
        let (session_id, agent_id) = (session_id.to_owned(), agent_id.to_owned());
        Ok(Self { session_id, agent_id, storage: storage.to_owned() })
    }

    /// Makes what is missing of the folders, and the session's own file.
    pub(super) fn create(&self) -> Result<(), Error> {
        let session = self.session();
        // The storage may be a link: whose it is is for the program to say.
        if !self.storage.is_dir() {
            file::make_folder(&self.storage)?;
        }
        let agents = session.join("agents");
        for folder in
            [&session, &agents, &session.join("multi_agents"), &self.agent(), &self.messages()]
        {
            file::make_folder(folder)?;
        }
        let path = session.join("session.json");
        if file::read::<SessionRecord>(&path)?.is_none() {
            file::write(&path, &SessionRecord::new(&self.session_id))?;
        }
        Ok(())
    }

    /// The numbers of the messages there are, in order.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, Error> {
        let folder = self.messages();
        let failed = |error| io_error("can't read the folder", &folder, error);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let Some(name) = name.to_str() else { continue };
            let Some(number) =
                name.strip_prefix("message_").and_then(|rest| rest.strip_suffix(".json"))
            else {
                continue;
            };
            match number.parse::<u64>() {
                Ok(parsed) if parsed < u64::MAX && parsed.to_string() == number => {
                    numbers.push(parsed);
                }
                _ => return Err(damaged(&folder.join(name), "its name has no number")),
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) fn agent_id(&self) -> &str {
        &self.agent_id
    }

    /// The folder of the agent.
    pub(super) fn agent(&self) -> PathBuf {
        self.session().join("agents").join(format!("agent_{}", self.agent_id))
    }

    pub(super) fn agent_file(&self) -> PathBuf {
        self.agent().join("agent.json")
    }

    pub(super) fn message_file(&self, number: u64) -> PathBuf {
        self.messages().join(format!("message_{number}.json"))
    }

    fn session(&self) -> PathBuf {
        self.storage.join(format!("session_{}", self.session_id))
    }

    fn messages(&self) -> PathBuf {
        self.agent().join("messages")
    }
}
