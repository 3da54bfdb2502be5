//! The full shape: five hooks, sessions in a database, and somebody who takes all spans.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench_common::{Arguments, Failure, folder, synced};
use ropewalk::prelude::*;
use ropewalk::session::{Durability, Sessions, SqliteStore};
use ropewalk::{AgentBuilder, Blueprint};
use ropewalk_agents::{Shape, note};
use tempfile::TempDir;

use crate::spans;

/// Agents of this shape keep their sessions in one database, in a folder that goes with them.
pub(crate) struct Full {
    sessions: Sessions,
    next: AtomicUsize,
    _folder: TempDir,
}

impl Shape for Full {
    async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        spans::take()?;
        let folder = folder(arguments)?;
        let path = folder.path().join("s.db");
        let store = SqliteStore::open_with(path, durability(synced(arguments))).await?;
        Ok(Self { sessions: Sessions::new(store), next: AtomicUsize::new(0), _folder: folder })
    }

    /// Five hooks: some may change something, some only look; one is async.
    fn add_to(&self, builder: AgentBuilder) -> AgentBuilder {
        builder
            .hook(|event: &mut BeforeInvocationEvent| note(event.agent().agent_id()))
            .hook(|event: &mut BeforeModelCallEvent| note(event.agent().model_id()))
            .hook(|event: &AfterModelCallEvent| note(event.agent().model_id()))
            .hook(async |event: &mut BeforeToolCallEvent| note(&event.tool_use().name))
            .hook(|event: &AfterToolCallEvent| note(&event.tool_use().name))
    }

    async fn agent(&self, blueprint: &Arc<Blueprint>) -> Result<Agent, Failure> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let session = self.sessions.session(&format!("a{number}")).await?;
        Ok(blueprint.open(Arc::new(session)).await?)
    }
}

pub(crate) fn durability(synced: bool) -> Durability {
    if synced { Durability::Synced } else { Durability::Buffered }
}
