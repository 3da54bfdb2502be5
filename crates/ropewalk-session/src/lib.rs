//! Where the runs of Ropewalk's agents are kept.
//!
//! A session is an append-only log of numbered records: a run that was cut off anywhere goes on from
//! there, and a turn costs the same however long the session is. [`Sessions`] is the face of it,
//! whatever keeps the records:
//!
//! | store | feature | for |
//! |---|---|---|
//! | [`MemoryStore`] | | tests, and what may be forgotten |
//! | [`FileStore`] | | one host; a file a session |
//! | `SqliteStore` | `sqlite` | one host; one file for all sessions |
//! | `PostgresStore` | `postgres`, `postgres-tls` | many hosts |
//! | `BucketStore` | `object-store`; `aws`, `gcp`, `azure` | many hosts, with no server to run |
//! | a [`SessionStore`] of one's own | | what `ropewalk_testkit::conformance` tests |
//!
//! [`Sessions::manager`] keeps several agents under one id of a session.
//! [`FileSessionManager`] keeps them in the files of Strands Agents besides, so that a session can go on
//! there and here in turns (feature `strands`).
//!
//! ```
//! use ropewalk_core::Agent;
//! use ropewalk_session::Sessions;
//! use ropewalk_testkit::{Reply, ScriptedModel};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let sessions = Sessions::in_folder(folder);
//! let model = ScriptedModel::new([Reply::text("Noted."), Reply::text("You are Ada.")]);
//!
//! let mut agent =
//!     Agent::builder().model(model.clone()).session(sessions.session("ada").await?).build().await?;
//! agent.invoke("I am Ada.").await?;
//! drop(agent);
//!
//! // Later, perhaps in another process:
//! let mut agent =
//!     Agent::builder().model(model).session(sessions.session("ada").await?).build().await?;
//! assert_eq!(agent.messages().len(), 2);
//! agent.invoke("Who am I?").await?;
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod disk;
mod line;
mod name;
mod session;
mod sessions;
mod store;
#[cfg(feature = "strands")]
mod strands;

pub use disk::Durability;
pub use session::Session;
pub use sessions::{Export, RepositorySessionManager, Sessions, Verified, markdown};
#[cfg(feature = "object-store")]
pub use store::BucketStore;
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{FileStore, MemoryStore, Opened, SessionLog, SessionStore, Stored};
#[cfg(feature = "strands")]
pub use strands::{FileSessionManager, StrandsSession};
