//! Where the runs of Ropewalk's agents are kept.
//!
//! [`FileSessions`] keeps each session in one file, to which records are only ever added: a run
//! that was cut off anywhere goes on from there, and a session's cost of a turn does not grow with
//! its length.
//!
//! [`FileSessionManager`] keeps them in the files of Strands Agents besides, so that a session can go on
//! there and here in turns (feature `strands`).
//!
//! ```
//! use ropewalk_core::Agent;
//! use ropewalk_session::FileSessions;
//! use ropewalk_testkit::{Reply, ScriptedModel};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let sessions = FileSessions::new(folder);
//! let model = ScriptedModel::new([Reply::text("Noted."), Reply::text("You are Ada.")]);
//!
//! let mut agent =
//!     Agent::builder().model(model.clone()).session(sessions.session("ada")?).build().await?;
//! agent.invoke("I am Ada.").await?;
//! drop(agent);
//!
//! // Later, perhaps in another process:
//! let mut agent =
//!     Agent::builder().model(model).session(sessions.session("ada")?).build().await?;
//! assert_eq!(agent.messages().len(), 2);
//! agent.invoke("Who am I?").await?;
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod file;
#[cfg(feature = "strands")]
mod strands;

pub use file::{FileSession, FileSessions};
#[cfg(feature = "strands")]
pub use strands::{FileSessionManager, StrandsSession};
