//! What an agent is made of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench_common::{Arguments, Failure, KEY, SYSTEM_PROMPT, Setting, Source, server};
use ropewalk::models::OpenAiChat;
use ropewalk::prelude::*;
use ropewalk::session::{Durability, Session, SqliteStore};
use ropewalk::{AgentBuilder, Journal};
use tempfile::TempDir;

use crate::noted::note;
use crate::scripted::Scripted;
use crate::tools;

/// The default shape: a model, tools and a system prompt, and nothing else.
pub(crate) fn builder(setting: &Setting) -> Result<AgentBuilder, Error> {
    let builder = Agent::builder().system_prompt(SYSTEM_PROMPT);
    let builder = match setting.source {
        Source::Server => {
            let model = OpenAiChat::builder("bench").base_url(server()).api_key(KEY).build()?;
            builder.model(model)
        }
        Source::Process { calls } => builder.model(Scripted { calls }),
    };
    let builder =
        if setting.idle { builder.tools(tools::idle()) } else { builder.tool(tools::add) };
    // More hooks, for whoever counts what each costs.
    let more = 0..setting.arguments.number("hooks", 0);
    Ok(more.fold(builder, |builder, _| {
        builder.hook(|event: &mut BeforeToolCallEvent| note(&event.tool_use().name))
    }))
}

/// The five hooks of the full shape: some may change something, some only look; one is async.
pub(crate) fn with_hooks(builder: AgentBuilder) -> AgentBuilder {
    builder
        .hook(|event: &mut BeforeInvocationEvent| note(event.agent().agent_id()))
        .hook(|event: &mut BeforeModelCallEvent| note(event.agent().model_id()))
        .hook(|event: &AfterModelCallEvent| note(event.agent().model_id()))
        .hook(async |event: &mut BeforeToolCallEvent| note(&event.tool_use().name))
        .hook(|event: &AfterToolCallEvent| note(&event.tool_use().name))
}

/// Sessions in a database, in a folder that goes with them.
pub(crate) struct Sessions {
    sessions: ropewalk::session::Sessions,
    next: AtomicUsize,
    _folder: TempDir,
}

impl Sessions {
    pub(crate) async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let folder = folder(arguments)?;
        let store =
            SqliteStore::open_with(folder.path().join("s.db"), durability(arguments)).await?;
        let sessions = ropewalk::session::Sessions::new(store);
        Ok(Self { sessions, next: AtomicUsize::new(0), _folder: folder })
    }

    /// One that is not there yet.
    pub(crate) async fn next(&self) -> Result<Arc<dyn Journal>, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let session: Session = self.sessions.session(&format!("a{number}")).await?;
        Ok(Arc::new(session))
    }
}

/// A folder for a while, in the one that `dir=` names or where the system has such.
pub(crate) fn folder(arguments: &Arguments) -> Result<TempDir, Failure> {
    Ok(match arguments.text("dir") {
        Some(parent) => TempDir::new_in(parent)?,
        None => TempDir::new()?,
    })
}

/// The default, or what `durability=` says.
pub(crate) fn durability(arguments: &Arguments) -> Durability {
    match arguments.text("durability") {
        Some("buffered") => Durability::Buffered,
        _ => Durability::Synced,
    }
}
