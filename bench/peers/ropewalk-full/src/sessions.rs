//! Sessions by themselves.

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;

use bench_common::{Arguments, Failure, Keeping, NotOffered, Setting, Source};
use ropewalk::session::{FileStore, Session, Sessions, SqliteStore};
use ropewalk::{
    Agent, Blueprint, Journal as _, Message, Metrics, ModelTurn, Record, Run, StopReason, Usage,
};
use ropewalk_agents::builder;

use crate::shape::durability;

/// A store of sessions, and the blueprint of those who have them.
pub(crate) struct Place {
    store: Store,
    folder: PathBuf,
    blueprint: Arc<Blueprint>,
}

enum Store {
    File,
    Sqlite,
}

impl Place {
    async fn session(&self, synced: bool) -> Result<Session, Failure> {
        let durability = durability(synced);
        let sessions = match self.store {
            Store::File => Sessions::new(FileStore::new(&self.folder).durability(durability)),
            Store::Sqlite => {
                let path = self.folder.join("s.db");
                Sessions::new(SqliteStore::open_with(path, durability).await?)
            }
        };
        Ok(sessions.session("s").await?)
    }
}

impl Keeping for Place {
    type Kept = Kept;
    type Opened = Agent;

    fn at(folder: &Path, arguments: &Arguments) -> Result<Self, Failure> {
        let store = match arguments.text("store") {
            Some("file") => Store::File,
            Some("sqlite") => Store::Sqlite,
            _ => return Err(NotOffered.into()),
        };
        let source = Source::Process { calls: 0 };
        let setting = Setting { source, idle: false, arguments: arguments.clone() };
        let blueprint = Arc::new(builder(&setting)?.blueprint()?);
        Ok(Self { store, folder: folder.to_owned(), blueprint })
    }

    async fn keep(&self, synced: bool) -> Result<Kept, Failure> {
        let session = self.session(synced).await?;
        let run = session.restore().await?;
        Ok(Kept { session, run })
    }

    async fn open(&self, synced: bool) -> Result<Agent, Failure> {
        let session = self.session(synced).await?;
        Ok(self.blueprint.open(Arc::new(session)).await?)
    }

    fn messages(opened: &Agent) -> usize {
        opened.messages().len()
    }
}

/// A session and its run, as an agent holds them.
pub(crate) struct Kept {
    session: Session,
    run: Run,
}

impl bench_common::Kept for Kept {
    fn messages(&self) -> usize {
        self.run.transcript().len()
    }

    /// A turn in which no tool is called, as an agent writes it.
    async fn turn(&mut self, question: String, answer: String) -> Result<(), Failure> {
        let turn = ModelTurn {
            message: Message::assistant(answer),
            stop_reason: StopReason::EndTurn,
            usage: Usage::new(100, 50),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        };
        let messages = vec![Message::user(question)];
        let records = [
            Record::InvocationStarted { messages, state: Default::default() },
            Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
            Record::InvocationEnded,
        ];
        for record in records {
            self.session.append(slice::from_ref(&record)).await?;
            self.run.apply(record)?;
        }
        Ok(self.session.checkpoint(&self.run).await?)
    }
}
