//! What a session on file costs: to write a turn when it has 10, 1,000 and 10,000 messages, with and without waiting
//! for the disk, to open it, and how many bytes a turn writes; and what it costs to add a record in SQLite, beside a
//! row that is added by hand.
//!
//! ```console
//! $ cargo bench -p ropewalk-session --bench sessions
//! $ scripts/bench-sessions        # beside Strands' FileSessionManager
//! ```
//!
//! With `ROPEWALK_BENCH_TABLE=1` it prints one JSON object of medians, which is what the script reads.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use divan::Bencher;
use ropewalk_core::*;
use ropewalk_session::{Durability, FileStore, Session, Sessions, SqliteStore};
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const LENGTHS: [usize; 3] = [10, 1_000, 10_000];

fn main() {
    if std::env::var_os("ROPEWALK_BENCH_TABLE").is_some() {
        println!("{}", table());
    } else {
        divan::main();
    }
}

/// What is said: two hundred letters.
fn said() -> String {
    "All work and no play makes a dull history. ".repeat(5)[..200].to_owned()
}

/// The appends of a turn in which no tool is called: each is durable before the next thing happens.
fn turn() -> [Record; 3] {
    let turn = ModelTurn {
        message: Message::assistant(said()),
        stop_reason: StopReason::EndTurn,
        usage: Usage::new(100, 50),
        metrics: Metrics::default(),
        malformed: vec![],
        redact_user: None,
    };
    let messages = vec![Message::user(said())];
    [
        Record::InvocationStarted { messages, state: Default::default() },
        Record::ModelAnswered { turn: turn.into(), discarded: Usage::default() },
        Record::InvocationEnded,
    ]
}

/// A session that has so many messages, with the snapshots that an agent would have made on the way.
struct Kept {
    folder: TempDir,
    runtime: Runtime,
    run: Run,
    session: Option<Session>,
    durability: Durability,
}

impl Kept {
    fn new(messages: usize, durability: Durability) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = TempDir::new().unwrap();
        let mut kept = Self {
            folder,
            runtime,
            run: Run::new("later"),
            session: None,
            durability: Durability::Buffered,
        };
        kept.open();
        kept.run = Run::new(kept.session.as_ref().unwrap().run_id());
        (0..messages / 2).for_each(|_| kept.turn());
        kept.session = None;
        kept.durability = durability;
        kept.open();
        kept
    }

    fn open(&mut self) -> Run {
        self.session = None;
        let store = FileStore::new(self.folder.path()).durability(self.durability);
        self.runtime.block_on(async {
            let session = Sessions::new(store).session("s").await.unwrap();
            let run = session.restore().await.unwrap();
            self.session = Some(session);
            run
        })
    }

    /// A turn, as an agent writes it.
    fn turn(&mut self) {
        let session = self.session.as_ref().unwrap();
        self.runtime.block_on(async {
            for record in turn() {
                session.append(std::slice::from_ref(&record)).await.unwrap();
                self.run.apply(record).unwrap();
            }
            session.checkpoint(&self.run).await.unwrap();
        });
    }

    fn bytes(&self, name: &str) -> u64 {
        fs::metadata(Path::join(self.folder.path(), name)).map_or(0, |file| file.len())
    }
}

fn turns(bencher: Bencher<'_, '_>, messages: usize, durability: Durability) {
    let mut kept = Kept::new(messages, durability);
    bencher.bench_local(|| kept.turn());
}

#[divan::bench(args = LENGTHS, sample_count = 50, sample_size = 1)]
fn turn_with_fsync(bencher: Bencher<'_, '_>, messages: usize) {
    turns(bencher, messages, Durability::Synced);
}

#[divan::bench(args = LENGTHS, sample_count = 50, sample_size = 1)]
fn turn_without_fsync(bencher: Bencher<'_, '_>, messages: usize) {
    turns(bencher, messages, Durability::Buffered);
}

#[divan::bench(args = LENGTHS, sample_count = 10, sample_size = 1)]
fn open(bencher: Bencher<'_, '_>, messages: usize) {
    let mut kept = Kept::new(messages, Durability::Buffered);
    bencher.bench_local(|| kept.open());
}

/// A record in a database, without waiting for the disk.
#[divan::bench(sample_count = 2000, sample_size = 1)]
fn sqlite_record(bencher: Bencher<'_, '_>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("s.db");
    let session = runtime.block_on(async {
        let store = SqliteStore::open_with(path, Durability::Buffered).await.unwrap();
        Sessions::new(store).session("s").await.unwrap()
    });
    let record = std::slice::from_ref(&turn()[1]).to_vec();
    bencher.bench_local(|| runtime.block_on(session.append(&record)).unwrap());
}

/// The least that SQLite can do for it: one row with the record alone in a table of its own, in a transaction of its
/// own, written to its log.
#[divan::bench(sample_count = 2000, sample_size = 1)]
fn sqlite_row_by_hand(bencher: Bencher<'_, '_>) {
    let folder = TempDir::new().unwrap();
    let connection = Connection::open(folder.path().join("s.db")).unwrap();
    let tables = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
        CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT NOT NULL);";
    connection.execute_batch(tables).unwrap();
    let mut insert = connection.prepare("INSERT INTO line (text) VALUES (?1)").unwrap();
    let text = serde_json::to_string(&turn()[1]).unwrap();
    bencher.bench_local(|| insert.execute([&text]).unwrap());
}

/// The median time of some runs, in milliseconds.
fn median(count: usize, mut work: impl FnMut()) -> f64 {
    let time = |()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let mut times: Vec<Duration> = std::iter::repeat_n((), count).map(time).collect();
    times.sort_unstable();
    times[count / 2].as_secs_f64() * 1e3
}

/// All of it at once, for the table.
fn table() -> serde_json::Value {
    let of_length = |messages| {
        let mut synced = Kept::new(messages, Durability::Synced);
        let open_ms = median(5, || drop(synced.open()));
        let before = synced.bytes("s.jsonl");
        let synced_ms = median(50, || synced.turn());
        let bytes = (synced.bytes("s.jsonl") - before) / 50;
        let mut buffered = Kept::new(messages, Durability::Buffered);
        let buffered_ms = median(50, || buffered.turn());
        // Each snapshot is half as far again from the one before it: all together are three of the last at most.
        let snapshots = 3 * synced.bytes("s.snapshot") / (messages as u64 / 2);
        json!({
            "messages": messages, "open_ms": open_ms, "synced_ms": synced_ms, "buffered_ms": buffered_ms,
            "bytes": bytes, "snapshot_bytes": snapshots,
        })
    };
    LENGTHS.map(of_length).into()
}
