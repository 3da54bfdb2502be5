//! What it costs to keep a conversation, and to have it again.

use std::fs;
use std::path::Path;
use std::slice;
use std::sync::Arc;

use bench_common::{Arguments, Failure, NotOffered, Report, Setting, Source, Timing, runtime};
use ropewalk::session::{Durability, FileStore, Session, Sessions, SqliteStore};
use ropewalk::{
    Blueprint, Journal as _, Message, Metrics, ModelTurn, Record, Run, StopReason, Usage,
};
use ropewalk_agents::builder;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::shape;

/// How long the conversation is where something is measured, by the name of the figure.
const LENGTHS: [(&str, usize); 3] = [("at_10", 10), ("at_1k", 1_000), ("at_10k", 10_000)];

/// The turns that are measured at each.
const TURNS: usize = 100;

/// How often the conversation is opened.
const OPENED: usize = 5;

/// What a message says: about as much as those of the other libraries.
const SAID: &str = "the quick brown fox jumps over the lazy dog, twice over the lazy dog";

pub(crate) fn run(arguments: &Arguments) -> Result<Report, Failure> {
    let place = Place { folder: shape::folder(arguments)?, arguments };
    runtime()?.block_on(async {
        let mut report = Report::new();
        for (name, length) in LENGTHS {
            Kept::open(&place, Durability::Buffered).await?.fill(length).await?;
            let mut kept = Kept::open(&place, shape::durability(arguments)).await?;
            report = report.with(name, kept.measure().await?);
        }
        let (opened, messages) = opened(&place).await?;
        let (wall, cpu) = opened.medians();
        let (files, bytes) = written(place.folder.path())?;
        Ok(report
            .with("restore_us", wall)
            .with("restore_cpu_us", cpu)
            .with("messages", messages)
            .with("files", files)
            .with("bytes", bytes))
    })
}

/// Where the session lies.
struct Place<'a> {
    folder: TempDir,
    arguments: &'a Arguments,
}

impl Place<'_> {
    async fn session(&self, durability: Durability) -> Result<Session, Failure> {
        let folder = self.folder.path();
        let sessions = match self.arguments.text("store") {
            Some("file") => Sessions::new(FileStore::new(folder).durability(durability)),
            Some("sqlite") => {
                let path = folder.join("s.db");
                Sessions::new(SqliteStore::open_with(path, durability).await?)
            }
            _ => return Err(NotOffered.into()),
        };
        Ok(sessions.session("s").await?)
    }
}

/// A session and its run, as an agent holds them.
struct Kept {
    session: Session,
    run: Run,
}

impl Kept {
    async fn open(place: &Place<'_>, durability: Durability) -> Result<Self, Failure> {
        let session = place.session(durability).await?;
        let run = session.restore().await?;
        Ok(Self { session, run })
    }

    /// Brings the conversation to a length.
    async fn fill(&mut self, length: usize) -> Result<(), Failure> {
        while self.run.transcript().len() < length {
            self.turn().await?;
        }
        Ok(())
    }

    /// Some turns: what each message took.
    async fn measure(&mut self) -> Result<Value, Failure> {
        let mut timing = Timing::new();
        for _ in 0..TURNS {
            let running = Timing::start();
            self.turn().await?;
            timing.stop(running);
        }
        let (wall, cpu) = timing.medians();
        // A question and an answer.
        Ok(json!({"median_us": wall / 2.0, "cpu_us": cpu / 2.0, "mean_us": timing.mean() / 2.0}))
    }

    /// A turn in which no tool is called, as an agent writes it.
    async fn turn(&mut self) -> Result<(), Failure> {
        let at = self.run.transcript().len();
        let turn = ModelTurn {
            message: Message::assistant(format!("message {}: {SAID}", at + 1)),
            stop_reason: StopReason::EndTurn,
            usage: Usage::new(100, 50),
            metrics: Metrics::default(),
            malformed: Vec::new(),
            redact_user: None,
        };
        let messages = vec![Message::user(format!("message {at}: {SAID}"))];
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

/// What it takes to have the agent again, with its conversation; and how many messages that has.
async fn opened(place: &Place<'_>) -> Result<(Timing, usize), Failure> {
    let setting = Setting {
        source: Source::Process { calls: 0 },
        idle: false,
        arguments: place.arguments.clone(),
    };
    let blueprint: Arc<Blueprint> = Arc::new(builder(&setting)?.blueprint()?);
    let mut timing = Timing::new();
    let mut messages = 0;
    for _ in 0..OPENED {
        let running = Timing::start();
        let session = place.session(shape::durability(place.arguments)).await?;
        let agent = blueprint.open(Arc::new(session)).await?;
        timing.stop(running);
        messages = agent.messages().len();
    }
    Ok((timing, messages))
}

/// How many files there are, and how many bytes in them.
fn written(folder: &Path) -> Result<(u64, u64), Failure> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (more_files, more_bytes) = if entry.file_type()?.is_dir() {
            written(&entry.path())?
        } else {
            (1, entry.metadata()?.len())
        };
        files += more_files;
        bytes += more_bytes;
    }
    Ok((files, bytes))
}
